// Deadline: a point in time that no change of the wall clock moves (CLOCK_MONOTONIC).
#ifndef POLYSERVE_NET_DEADLINE_H_
#define POLYSERVE_NET_DEADLINE_H_

#include <algorithm>
#include <chrono>

#include "absl/time/time.h"

namespace polyserve {

// For what may be infinite: as good as that, and yet it can be added to a clock.
constexpr absl::Duration kForEver = absl::Hours(24 * 365 * 100);

class Deadline {
 public:
  // From now on; may be infinite.
  explicit Deadline(absl::Duration after)
      : at_(std::chrono::steady_clock::now() + absl::ToChronoMicroseconds(std::min(after, kForEver))) {}

  bool passed() const { return std::chrono::steady_clock::now() >= at_; }

  // What is left of it; 0 if it has passed.
  absl::Duration Left() const {
    return std::max(absl::FromChrono(at_ - std::chrono::steady_clock::now()), absl::ZeroDuration());
  }

  // What is left of it, for poll(2): rounded up, so that it has passed when the wait has timed out; 0 where it has.
  int PollMilliseconds() const {
    using std::chrono::milliseconds;
    const auto left = std::chrono::ceil<milliseconds>(at_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp(left, milliseconds(0), milliseconds(std::chrono::hours(24))).count());
  }

 private:
  std::chrono::steady_clock::time_point at_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_DEADLINE_H_
