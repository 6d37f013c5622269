#include "backends/connection/timers.h"

#include <algorithm>

#include "net/deadline.h"

namespace polyserve {

namespace {

constexpr absl::Duration kSoonest = absl::Microseconds(1);  // So that RingDue() comes to an end.

}  // namespace

void Timers::Set(Timer& timer, absl::Duration after) {
  timer.Cancel();
  if (after == absl::InfiniteDuration()) return;
  timer.at_ = Clock::now() + absl::ToChronoNanoseconds(std::clamp(after, kSoonest, kForEver));
  timers_.insert(timer);
}

void Timers::RingDue() {
  if (timers_.empty()) return;
  const Clock::time_point now = Clock::now();
  while (!timers_.empty() && first() <= now) {
    Timer& timer = *timers_.begin();
    timer.Cancel();
    timer.ring_();  // May destroy it.
  }
}

}  // namespace polyserve
