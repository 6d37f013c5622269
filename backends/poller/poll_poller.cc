#include "backends/poller/poll_poller.h"

#include "backends/poller/failed_wait.h"

namespace polyserve {

namespace {

// Without POLLRDHUP: the peer's end counts as readable, and only edges need it by itself (Poller::kPeerClosed).
short ToPoll(uint8_t events) {
  int bits = 0;
  if ((events & Poller::kReadable) != 0) bits |= POLLIN;
  if ((events & Poller::kWritable) != 0) bits |= POLLOUT;
  return static_cast<short>(bits);
}

// POLLERR, POLLHUP and POLLNVAL come without being asked for. They count as all that was asked for, and not as
// readable: an owner that waits to write must not be made to read.
uint8_t FromPoll(const pollfd& ready) {
  const int bits = (ready.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 ? ready.events : ready.revents;
  uint8_t events = 0;
  if ((bits & POLLIN) != 0) events |= Poller::kReadable;
  if ((bits & POLLOUT) != 0) events |= Poller::kWritable;
  return events;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Poller>> PollPoller::Create(Trigger trigger) {
  if (absl::Status status = RefuseEdges(trigger, "poll(2)"); !status.ok()) return status;
  return std::unique_ptr<Poller>(new PollPoller);
}

absl::Status PollPoller::Add(int fd, uint8_t events, Watched& watched) {
  if (indices_.size() <= static_cast<size_t>(fd)) indices_.resize(static_cast<size_t>(fd) + 1);
  index(fd) = list_.size();
  list_.push_back({fd, ToPoll(events), 0});
  watched_.push_back(&watched);
  return absl::OkStatus();
}

absl::Status PollPoller::Change(int fd, uint8_t events, Watched& watched) {
  Forget(watched, events);
  list_[index(fd)].events = ToPoll(events);
  return absl::OkStatus();
}

// The last one in the list takes its place.
void PollPoller::Remove(int fd, Watched& watched) {
  Forget(watched);
  const size_t gap = index(fd);
  list_[gap] = list_.back();
  watched_[gap] = watched_.back();
  index(list_[gap].fd) = gap;
  list_.pop_back();
  watched_.pop_back();
}

// poll(2) returns how many entries are marked, not which: the scan ends at the last of them. EINTR, here and in
// select(2): see EpollPoller::Wait(). The kernel writes revents of every entry, so none has to be cleared before, and
// the list itself stays as it is; select(2) overwrites its sets, and needs copies.
absl::Status PollPoller::Wait(Clock::time_point until) {
  int ready = ::poll(list_.data(), list_.size(), Milliseconds(until));
  if (ready < 0) return StatusOfFailedWait("poll");
  for (size_t i = 0; ready > 0; ++i) {
    if (list_[i].revents == 0) continue;
    NoteReady(*watched_[i], FromPoll(list_[i]));
    --ready;
  }
  return absl::OkStatus();
}

}  // namespace polyserve
