#include "backends/connection/timers.h"

#include <algorithm>

#include "net/deadline.h"

namespace polyserve {

namespace {

constexpr absl::Duration kSoonest = absl::Microseconds(1);  // So that RingDue() comes to an end.

}  // namespace

// An infinite time is not entered at all; a very long one is cut to kForEver, because the sum with the clock would
// overflow. Cancel() first: the set is ordered by at_, so a timer must not change that while it is a member.
void Timers::Set(Timer& timer, absl::Duration after) {
  timer.Cancel();
  if (after == absl::InfiniteDuration()) return;
  timer.at_ = Clock::now() + absl::ToChronoNanoseconds(std::clamp(after, kSoonest, kForEver));
  timers_.insert(timer);
}

// The clock is read once: a timer that is set by a call below is due later than `now`, by kSoonest at least. The first
// one is looked up anew each time, since a call may cancel or destroy any timer, the next one too.
void Timers::RingDue() {
  if (timers_.empty()) return;
  const Clock::time_point now = Clock::now();
  while (!timers_.empty() && first() <= now) {
    Timer& timer = *timers_.begin();
    // Before the call, which may destroy the timer, or set it again.
    timer.Cancel();
    timer.ring_();  // May destroy it.
  }
}

}  // namespace polyserve
