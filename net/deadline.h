// Deadline: a point in time on CLOCK_MONOTONIC, so that setting the wall clock does not move it.
#ifndef POLYSERVE_NET_DEADLINE_H_
#define POLYSERVE_NET_DEADLINE_H_

#include <algorithm>
#include <chrono>

#include "absl/time/time.h"

namespace polyserve {

// Stands for infinity in sums with clock values, which would overflow.
constexpr absl::Duration kForEver = absl::Hours(24 * 365 * 100);

class Deadline {
 public:
  // From now on; may be infinite.
  explicit Deadline(absl::Duration after)
      : at_(std::chrono::steady_clock::now() + absl::ToChronoMicroseconds(std::min(after, kForEver))) {}

  bool passed() const { return std::chrono::steady_clock::now() >= at_; }

  // The time left; 0 if it has passed.
  absl::Duration Left() const {
    return std::max(absl::FromChrono(at_ - std::chrono::steady_clock::now()), absl::ZeroDuration());
  }

  // The time left as poll(2)'s time-out: rounded up, so that the deadline has passed when the wait times out.
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
