// compute: a service that keeps a processor busy, to show what a long request does to a model's other clients.
//
//   PRIMES <n>      -> OK <sum of the primes below n>
//   n above kMaxN   -> ERR 413 <text>
//   anything else   -> ERR 400 <text>; closes after a line that is too long or was meant for an HTTP or TLS server
//
// The sum is found by trial division, in output.Work(): a blocking driver computes in place, a loop stalls unless it
// offloads its tasks. The answers come in the order of the requests, one task at a time. Bound: one line.
#ifndef POLYSERVE_PROTOCOL_COMPUTE_H_
#define POLYSERVE_PROTOCOL_COMPUTE_H_

#include <cstddef>
#include <cstdint>

#include "protocol/line_reader.h"
#include "protocol/session.h"

namespace polyserve {

class ComputeSession : public Session {
 public:
  static constexpr size_t kMaxLineBytes = 64;    // Ample for "PRIMES " and any number of 64 bits.
  static constexpr uint64_t kMaxN = 10'000'000;  // Some seconds of work: enough to show a stall, not to hang a core.

  void OnInput(Input& input, Output& output) override;
  bool awaits_rest_of_request() const override { return lines_.is_within_line(); }

 private:
  LineReader lines_{kMaxLineBytes};
};

// The sum of the primes below n; 0 if there are none. Blocks for as long as it computes: about n * sqrt(n) / log(n)
// steps. Does not overflow for n up to ComputeSession::kMaxN.
uint64_t SumOfPrimesBelow(uint64_t n);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_COMPUTE_H_
