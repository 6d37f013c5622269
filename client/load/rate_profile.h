// RateProfile: how many requests are due per second, and how that changes during a run: the rate of an open loop as a
// function of time. Piecewise linear; its integral says how many requests are due by a time, and the inverse of the
// integral says when the n-th one is due. So nothing is added up from request to request, and no error grows.
//
//   rate                    ╱──────┐                         10s 1000
//                         ╱        │            burst        5s  1000:3000
//        ───────────────╱          │              ▌          4s  3000
//                                  └──────────────┴───       6s  500
//                                                            burst 200        (all at once)
//                                                            2s  500
//   count by a time:  Expected(t)     time of a count:  TimeOf(n)
//
// A file of a profile (--profile) has such a phase in each line, one after the other in time:
//
//   DURATION RATE         a step: this rate for so long
//   DURATION FROM:TO      a ramp: from one rate to the other, evenly
//   burst COUNT           so many requests at once, which takes no time; a phase has to follow, in which they are sent
//   # ...                 nothing; as blank lines
#ifndef POLYSERVE_CLIENT_LOAD_RATE_PROFILE_H_
#define POLYSERVE_CLIENT_LOAD_RATE_PROFILE_H_

#include <cstdint>
#include <istream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace polyserve {

// A value; copies are independent. Rates are in requests per second, times in nanoseconds since the beginning. Safe to
// read from any thread.
class RateProfile {
 public:
  // What TimeOf() returns if there is no such request: far beyond any run, but a time can still be added to it.
  static constexpr int64_t kNever = INT64_MAX / 4;
  // Rates and bursts are below this.
  static constexpr double kMostRate = 1e9;

  // The same rate for ever. REQUIRES: rate > 0.
  static RateProfile Constant(double rate);
  // From one rate to the other, evenly. REQUIRES: neither is below 0, and not both are 0; duration > 0.
  static RateProfile Ramp(double from, double to, absl::Duration duration);
  // Reads a file as described above, of 1ms to 24h in all, in which at least one request is due. InvalidArgument: it is
  // none (the text names the line, and says why).
  static absl::StatusOr<RateProfile> Parse(std::istream& file);

  // The same profile behind a warm-up of this length, at the rate that it begins with: the pace goes on when the
  // warm-up ends, so nothing starts a second time. If it begins with rate 0, so does the warm-up.
  RateProfile WithWarmUp(absl::Duration warm_up) const;

  // How many requests are due before `time`, on average: the integral of the rate. A burst at `time` is not among them.
  double Expected(int64_t time) const;
  // The inverse: when the request is due before which `count` are due (0: the first one), to the nearest nanosecond;
  // kNever if the profile has no more than these. Never less for a greater count. `count` may have a fraction, and is
  // not below 0.
  int64_t TimeOf(double count) const;

  // InfiniteDuration if it is Constant().
  absl::Duration duration() const;
  // All requests that are due. Infinite if it is Constant().
  double total() const;
  // The rates at its beginning and at its end, and the highest one. Bursts are in none of them.
  double first() const;
  double last() const;
  double peak() const;
  // At most so many requests are due within any time of this length: as at the highest rate all the time, and with the
  // bursts that come within such a time.
  double MostWithin(absl::Duration time) const;

 private:
  // `count` requests from `begin` on, at rates from `from` to `to`. A burst has no length.
  struct Piece {
    double begin;
    double length;
    double from;
    double to;
    double before;  // Requests due before it.
    double count;
  };

  void Add(double length, double from, double to, double count);
  void AddPhase(absl::Duration length, double from, double to);
  absl::Status AddLine(absl::string_view line);

  std::vector<Piece> pieces_;  // In their order, without gaps.
};

// The rates of --rate: of "2000" twice the same, of "0:5000" the two. InvalidArgument: it is neither, or a rate is
// below 0 or not below RateProfile::kMostRate. 0 stands for no rate, as in the flag.
absl::StatusOr<std::pair<double, double>> ParseRates(absl::string_view text);

// RateProfile::Parse() of a file. Also NotFound: it cannot be opened.
absl::StatusOr<RateProfile> ReadRateProfile(const std::string& path);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_RATE_PROFILE_H_
