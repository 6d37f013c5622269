#include "backends/poller/select_poller.h"

#include <sys/time.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "backends/poller/failed_wait.h"

namespace polyserve {

namespace {

// The time-out as select(2) wants it; null: for ever. Rounded up. The storage is the caller's, for one call: Linux
// writes the time that was left into it.
timeval* TimeLeft(Poller::Clock::time_point until, timeval& storage) {
  using std::chrono::microseconds;
  if (until == Poller::kForEver) return nullptr;
  microseconds left(0);
  if (until != Poller::kNoWait) left = std::chrono::ceil<microseconds>(until - Poller::Clock::now());
  left = std::clamp(left, microseconds(0), microseconds(std::chrono::hours(24)));
  storage.tv_sec = left.count() / 1'000'000;
  storage.tv_usec = left.count() % 1'000'000;
  return &storage;
}

}  // namespace

SelectPoller::SelectPoller() {
  FD_ZERO(&readable_);
  FD_ZERO(&writable_);
}

absl::StatusOr<std::unique_ptr<Poller>> SelectPoller::Create(Trigger trigger) {
  if (absl::Status status = RefuseEdges(trigger, "select(2)"); !status.ok()) return status;
  return std::unique_ptr<Poller>(new SelectPoller);
}

absl::Status SelectPoller::Add(int fd, uint8_t events, Watched& watched) {
  if (fd > kMaxDescriptor) {  // FD_SET would write behind the set.
    return absl::ResourceExhaustedError(absl::StrCat("select(2) watches no descriptor above ", kMaxDescriptor));
  }
  watched_[static_cast<size_t>(fd)] = &watched;
  highest_ = std::max(highest_, fd);
  SetBits(fd, events);
  return absl::OkStatus();
}

absl::Status SelectPoller::Change(int fd, uint8_t events, Watched& watched) {
  Forget(watched, events);
  SetBits(fd, events);
  return absl::OkStatus();
}

// The highest descriptor goes down with what is closed: each wait costs a scan up to it, and after a crowd has left
// that would stay the crowd's.
void SelectPoller::Remove(int fd, Watched& watched) {
  Forget(watched);
  SetBits(fd, 0);
  watched_[static_cast<size_t>(fd)] = nullptr;
  while (highest_ >= 0 && watched_[static_cast<size_t>(highest_)] == nullptr) --highest_;
}

void SelectPoller::SetBits(int fd, uint8_t events) {
  FD_CLR(fd, &readable_);
  FD_CLR(fd, &writable_);
  if ((events & kReadable) != 0) FD_SET(fd, &readable_);
  if ((events & kWritable) != 0) FD_SET(fd, &writable_);
}

// The sets are "value-result": the kernel leaves only the bits of what is ready, so each call gets copies. There is no
// third set: exceptional conditions are out-of-band data (TCP's urgent pointer), which no service here uses, while an
// error or a hang-up shows as readable, and an error as writable, too (select(2)).
absl::Status SelectPoller::Wait(Clock::time_point until) {
  fd_set readable = readable_;
  fd_set writable = writable_;
  timeval left;
  // The first argument is no count but the highest descriptor plus one: the kernel looks at that many bits of each set.
  int bits = ::select(highest_ + 1, &readable, &writable, nullptr, TimeLeft(until, left));
  if (bits < 0) return StatusOfFailedWait("select");
  // The kernel reports how many bits are set, not which ones, so they have to be searched for from 0 up.
  for (int fd = 0; bits > 0; ++fd) {  // `bits` counts those of both sets.
    const bool is_readable = FD_ISSET(fd, &readable);
    const bool is_writable = FD_ISSET(fd, &writable);
    if (!is_readable && !is_writable) continue;
    const int events = (is_readable ? kReadable : 0) | (is_writable ? kWritable : 0);
    NoteReady(*watched_[static_cast<size_t>(fd)], static_cast<uint8_t>(events));
    bits -= is_readable + is_writable;
  }
  return absl::OkStatus();
}

}  // namespace polyserve
