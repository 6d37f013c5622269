// What the fuzz targets of sessions have in common: whatever a peer sends, in whatever pieces, a session answers the
// same, and holds no more than its bound.
#ifndef POLYSERVE_TESTS_FUZZ_ANY_CUT_H_
#define POLYSERVE_TESTS_FUZZ_ANY_CUT_H_

#include <cstddef>
#include <cstdint>

#include "protocol/session.h"

namespace polyserve {

// Shows the data whole, byte by byte, and cut as its first bytes say; ends the program where the replies differ, or
// where more than `most_unconsumed` bytes are left with the driver. The factory must start from the same state.
void CheckAnyCut(const SessionFactory& make_session, const uint8_t* data, size_t size, size_t most_unconsumed);

// Shows the data cut as its first bytes say, and checks only the bound: for sessions whose replies depend on the
// pieces, or on what they have stored before.
void CheckOneCut(const SessionFactory& make_session, const uint8_t* data, size_t size, size_t most_unconsumed);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_FUZZ_ANY_CUT_H_
