// Arrivals: the pacing of an open loop: the times at which requests are due, whether or not the server has answered the
// previous ones.
//
// Response times are measured from the due time. A stall of the server then delays every request that becomes due
// meanwhile, as it would delay real users. If the clock started when a request could be sent, a stall would show in one
// request per connection, and the requests that were never sent would be missing from the percentiles ("coordinated
// omission"; Gil Tene, "How NOT to Measure Latency").
//
//   kFixed     |   |   |   |   |   |   |      kPoisson   ||    |  | |     |   |       kBurst   ▌       ▌       ▌
#ifndef POLYSERVE_CLIENT_LOAD_ARRIVALS_H_
#define POLYSERVE_CLIENT_LOAD_ARRIVALS_H_

#include <cstdint>
#include <random>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// Endless, and cheap: Next() makes no system call, so the caller decides which clock the times are for. Not
// thread-safe: each thread has one of its own, with its share of the rate.
class Arrivals {
 public:
  enum class Kind {
    kFixed,    // At equal intervals.
    kPoisson,  // Like independent users: intervals are exponentially distributed (a Poisson process).
    kBurst,    // In groups of kBurstSize at once; the groups at equal intervals.
  };
  static constexpr int kBurstSize = 100;  // More than most pools have workers.

  // Returns InvalidArgument unless the name is "fixed", "poisson" or "burst".
  static absl::StatusOr<Kind> ParseKind(absl::string_view name);

  // `rate` is in requests per second, above 0; on average, for every kind. The same seed gives the same times with the
  // same C++ library. `phase`, 0 to 1, delays all requests (with kBurst, all groups) by that part of the interval, so
  // that several threads of the same rate alternate as one thread of the whole rate would. kPoisson ignores it: the sum
  // of independent Poisson processes is a Poisson process of the whole rate.
  Arrivals(Kind kind, double rate, uint64_t seed, double phase = 0);

  // The time of the next request, in nanoseconds since the start; never less than the one before. Never ends.
  int64_t Next();

 private:
  const Kind kind_;
  const double interval_;  // In nanoseconds; the mean.
  const double phase_;
  std::mt19937_64 random_;
  double at_ = 0;      // The last time returned, unrounded.
  int64_t count_ = 0;  // Of the times returned.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_ARRIVALS_H_
