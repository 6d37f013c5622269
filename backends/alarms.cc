#include "backends/alarms.h"

#include <algorithm>

#include "net/deadline.h"

namespace polyserve {

namespace {

constexpr absl::Duration kSoonest = absl::Microseconds(1);  // So that RingDue() comes to an end.

}  // namespace

void Alarms::Set(Alarm& alarm, absl::Duration after) {
  alarm.Cancel();
  if (after == absl::InfiniteDuration()) return;
  alarm.at_ = Clock::now() + absl::ToChronoNanoseconds(std::clamp(after, kSoonest, kForEver));
  alarms_.insert(alarm);
}

void Alarms::RingDue() {
  if (alarms_.empty()) return;
  const Clock::time_point now = Clock::now();
  while (!alarms_.empty() && first() <= now) {
    Alarm& alarm = *alarms_.begin();
    alarm.Cancel();
    alarm.ring_();  // May destroy it.
  }
}

}  // namespace polyserve
