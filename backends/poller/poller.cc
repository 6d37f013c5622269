#include "backends/poller/poller.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace polyserve {

// Handlers run from our own list, after the wait, and not from what the system call has filled in: they may remove any
// Watched, and only this list can be corrected then. next_ moves on before the call, so that Forget() sees what is
// still to be reported and no more.
void Poller::Dispatch() {
  for (next_ = 0; next_ < ready_.size();) {
    const Ready ready = ready_[next_++];
    if (ready.events != 0) ready.watched->OnEvents(ready.events);  // May call Forget().
  }
  ready_.clear();
  next_ = 0;
}

// It remembers its place itself, since thousands may end in one Dispatch(), and a search for each would be as long. The
// place may be that of an earlier wait, at which another one stands by now.
Poller::Ready* Poller::Find(const Watched& watched) {
  const size_t at = watched.noted_at_;
  return at < ready_.size() && ready_[at].watched == &watched ? &ready_[at] : nullptr;
}

// A wait that nobody has dispatched may have noted it already.
void Poller::NoteReady(Watched& watched, uint8_t events) {
  if (Ready* const noted = Find(watched); noted != nullptr) {
    noted->events |= events;
    return;
  }
  watched.noted_at_ = static_cast<uint32_t>(ready_.size());
  ready_.push_back({&watched, events});
}

// One handler may end another one's connection: without this, the event that was noted for it would go to freed memory.
void Poller::Forget(const Watched& watched, uint8_t except) {
  if (Ready* const noted = Find(watched); noted != nullptr) noted->events &= except;
}

// Asking for the same again costs nothing, except with kExclusive, where the repeated registration puts this poller
// behind the others, and with kOneShot, where it is what makes the next event come.
absl::Status Poller::Set(int fd, uint8_t& current, uint8_t wanted, Watched& watched) {
  const bool must_repeat = (wanted & (kExclusive | kOneShot)) != 0;
  if (current == wanted && !must_repeat) return absl::OkStatus();
  absl::Status status;
  if (wanted == 0) {
    Remove(fd, watched);
  } else {
    status = current == 0 ? Add(fd, wanted, watched) : Change(fd, wanted, watched);
  }
  current = status.ok() ? wanted : 0;
  return status;
}

// Rounded down, the last millisecond before a timer would be a busy loop of waits of 0. The int would overflow after
// 24.8 days, hence the bound; a caller with a later deadline looks at the clock and waits again.
int Poller::Milliseconds(Clock::time_point until) {
  using std::chrono::milliseconds;
  if (until == kNoWait) return 0;
  if (until == kForEver) return -1;
  const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
  return static_cast<int>(std::clamp(left, milliseconds(0), milliseconds(std::chrono::hours(24))).count());
}

absl::Status Poller::RefuseEdges(Trigger trigger, absl::string_view poller) {
  if (trigger == Trigger::kLevel) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(poller, " has no edge triggering; use --trigger=level"));
}

}  // namespace polyserve
