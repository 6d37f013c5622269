// compute: work for the processor. "PRIMES <n>\n" is answered with "OK <sum of the primes below n>\n", found by trial
// division. Anything else: "ERR 400 <text>\n"; an n above kMaxN: "ERR 413 <text>\n". Closes on
// what was meant for a server of HTTP or TLS. Bound: one line.
#ifndef POLYSERVE_PROTOCOL_COMPUTE_H_
#define POLYSERVE_PROTOCOL_COMPUTE_H_

#include <cstddef>
#include <cstdint>

#include "protocol/line_reader.h"
#include "protocol/session.h"

namespace polyserve {

class ComputeSession : public Session {
 public:
  static constexpr size_t kMaxLineBytes = 64;
  static constexpr uint64_t kMaxN = 10'000'000;  // Some seconds of work: enough to show a stall, not to hang a core.

  void OnInput(Input& input, Output& output) override;
  bool awaits_rest_of_request() const override { return lines_.is_within_line(); }

 private:
  LineReader lines_{kMaxLineBytes};
};

// The sum of the primes below n.
uint64_t SumOfPrimesBelow(uint64_t n);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_COMPUTE_H_
