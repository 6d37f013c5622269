// Arrivals: when requests are meant to start, in an open loop: whether or not the server has answered the ones before.
// Measured from there, a stall of the server costs everybody who came meanwhile, as it would in life; measured from
// when a request could be sent, it costs one ("coordinated omission", Gil Tene, "How NOT to measure latency").
#ifndef POLYSERVE_CLIENT_LOAD_ARRIVALS_H_
#define POLYSERVE_CLIENT_LOAD_ARRIVALS_H_

#include <cstdint>
#include <random>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

class Arrivals {
 public:
  enum class Kind {
    kFixed,    // At equal distances.
    kPoisson,  // As independent people come: distances are exponentially distributed.
    kBurst,    // Groups of kBurstSize at once, the groups at equal distances.
  };
  static constexpr int kBurstSize = 100;

  // InvalidArgument: none of "fixed", "poisson", "burst".
  static absl::StatusOr<Kind> ParseKind(absl::string_view name);

  // The rate is per second, over 0. The same seed gives the same times. The phase, 0 to 1, is by which part of the
  // distance all of them (groups, with kBurst) come later: so that several of the same rate take turns, as one of the
  // whole rate would have it. What comes at random needs none.
  Arrivals(Kind kind, double rate, uint64_t seed, double phase = 0);

  // The next one, in nanoseconds since the start; they never go back.
  int64_t Next();

 private:
  const Kind kind_;
  const double interval_;  // In nanoseconds, on the average.
  const double phase_;
  std::mt19937_64 random_;
  double at_ = 0;
  int64_t count_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_ARRIVALS_H_
