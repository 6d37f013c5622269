// What the fuzz targets of sessions have in common: whatever a peer sends, in whatever pieces, a session answers the
// same, and holds no more than its bound.
#ifndef POLYSERVE_TESTS_FUZZ_ANY_CUT_H_
#define POLYSERVE_TESTS_FUZZ_ANY_CUT_H_

#include <cstddef>
#include <cstdint>

#include "protocol/session.h"

namespace polyserve {

// Shows the data whole, byte by byte, and cut as its first bytes say; ends the program if the replies differ, or if
// more than `most_unconsumed` bytes are left with the driver. The factory must start from the same state each time.
//
//   data      "PRIMES 10\nQ\n"
//   whole     one OnInput()                          ─┐
//   in bytes  twelve                                  ├─ the same replies, or the fuzzer has found a fault
//   cut       pieces of 1 to 64 bytes, by a generator ┘
//             that the first four bytes of the data seed: a seed file replays the same cuts
void CheckAnyCut(const SessionFactory& make_session, const uint8_t* data, size_t size, size_t most_unconsumed);

// Shows the data cut as its first bytes say, and checks only the bound: for sessions whose replies depend on the
// pieces, or on what they have stored before.
void CheckOneCut(const SessionFactory& make_session, const uint8_t* data, size_t size, size_t most_unconsumed);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_FUZZ_ANY_CUT_H_
