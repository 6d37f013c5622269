// compute: a service that keeps a processor busy, to show what a long request does to a model's other clients.
//
//   PRIMES <n>      -> OK <sum of the primes below n>
//
// The sum is found by trial division, in output.Work(): a blocking driver computes in place, a loop stalls unless it
// offloads its tasks. Errors, order and bound are those of NumberSession.
#ifndef POLYSERVE_PROTOCOL_COMPUTE_H_
#define POLYSERVE_PROTOCOL_COMPUTE_H_

#include <cstdint>

#include "protocol/number_session.h"

namespace polyserve {

class ComputeSession : public NumberSession {
 public:
  static constexpr uint64_t kMaxN = 10'000'000;  // Some seconds of work: enough to show a stall, not to hang a core.

  ComputeSession() : NumberSession({.verb = "PRIMES", .what = "n", .most = kMaxN}) {}

 private:
  void Answer(uint64_t n, Output& output) override;
};

// The sum of the primes below n; 0 if there are none. Blocks for as long as it computes: about n * sqrt(n) / log(n)
// steps. Does not overflow for n up to ComputeSession::kMaxN.
uint64_t SumOfPrimesBelow(uint64_t n);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_COMPUTE_H_
