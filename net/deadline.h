// Deadline: a point in time on CLOCK_MONOTONIC, so that setting the wall clock does not move it. For a wait that may be
// interrupted and taken up again, without adding up what is left:
//
//   const Deadline deadline(absl::Seconds(5));
//   while (!deadline.passed() && ::poll(&fd, 1, deadline.PollMilliseconds()) < 0 && errno == EINTR) {}
//
// A value: copy and assign it freely. Each look costs a read of the clock, which is no system call.
#ifndef POLYSERVE_NET_DEADLINE_H_
#define POLYSERVE_NET_DEADLINE_H_

#include <algorithm>
#include <chrono>

#include "absl/time/time.h"

namespace polyserve {

// Stands for infinity in sums with clock values, where absl::InfiniteDuration() would overflow.
constexpr absl::Duration kForEver = absl::Hours(24 * 365 * 100);

class Deadline {
 public:
  // This much time from now; may be infinite (then it is kForEver).
  explicit Deadline(absl::Duration after)
      : at_(std::chrono::steady_clock::now() + absl::ToChronoMicroseconds(std::min(after, kForEver))) {}

  // True once the time is over; an infinite time is over in a century.
  bool passed() const { return std::chrono::steady_clock::now() >= at_; }

  // The time left; 0 if it has passed.
  absl::Duration Left() const {
    return std::max(absl::FromChrono(at_ - std::chrono::steady_clock::now()), absl::ZeroDuration());
  }

  // The time left as poll(2)'s time-out: rounded up, so that the deadline has passed when the wait times out. At most a
  // day, which fits its int: a caller that waits longer waits again. Never -1.
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
