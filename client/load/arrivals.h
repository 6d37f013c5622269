// Arrivals: the pacing of an open loop: the times at which requests are due, whether or not the server has answered the
// previous ones.
//
// Response times are measured from the due time. A stall of the server then delays every request that becomes due
// meanwhile, as it would delay real users. If the clock started when a request could be sent, a stall would show in one
// request per connection, and the requests that were never sent would be missing from the percentiles ("coordinated
// omission"; Gil Tene, "How NOT to Measure Latency").
//
//   kFixed     |   |   |   |   |   |   |      kPoisson   ||    |  | |     |   |       kBurst   ▌       ▌       ▌
//
// A rate that changes (RateProfile) stretches and squeezes the same picture: each kind counts requests on a clock of
// its own, which ticks once for each request that is due on average, and the profile says what time that is.
#ifndef POLYSERVE_CLIENT_LOAD_ARRIVALS_H_
#define POLYSERVE_CLIENT_LOAD_ARRIVALS_H_

#include <cstdint>
#include <random>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/load/rate_profile.h"

namespace polyserve {

// Cheap: Next() makes no system call, so the caller decides which clock the times are for. Not
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
  // `share`, above 0 and at most 1, of the requests of a profile. Threads with equal shares, and phases that divide 1
  // evenly, have each of its kFixed requests once, and so all of a burst.
  Arrivals(Kind kind, RateProfile profile, double share, uint64_t seed, double phase = 0);

  // The time of the next request, in nanoseconds since the start; never less than the one before. RateProfile::kNever,
  // again and again, when the profile is over.
  int64_t Next();

 private:
  double NextPlace();

  const Kind kind_;
  const RateProfile profile_;
  const double share_;
  const double phase_;
  std::mt19937_64 random_;
  double place_ = 0;   // kPoisson: of the last request, in requests of the mean.
  int64_t count_ = 0;  // Of the times returned.
  int64_t last_ = 0;   // The last time returned.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_ARRIVALS_H_
