#include "net/wait_set.h"

#include <sys/epoll.h>

#include "base/sys_error.h"

namespace polyserve {

absl::StatusOr<WaitSet> WaitSet::Create(Order order) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return SysError("epoll_create1");
  return WaitSet(std::move(epoll), order);
}

absl::Status WaitSet::Add(int fd, const void* tag, Wakes wakes) {
  watched_.push_back({fd, tag, wakes});
  absl::Status status = Control(EPOLL_CTL_ADD, watched_.size() - 1);
  if (!status.ok()) watched_.pop_back();
  return status;
}

// EPOLLEXCLUSIVE can be given only when the descriptor is added, and wakes at least one of the waiting epolls: without
// it all workers would wake for one client, and all but one in vain.
absl::Status WaitSet::Control(int operation, size_t place) {
  epoll_event event = {};
  event.events = watched_[place].wakes == Wakes::kOne ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN;
  event.data.u64 = place;
  return ::epoll_ctl(epoll_.get(), operation, watched_[place].fd, &event) == 0 ? absl::OkStatus()
                                                                               : SysError("epoll_ctl");
}

// One event for each call: the kernel moves a descriptor that it has reported behind the other ready ones, so that a
// busy listener does not starve the rest. Level-triggered: what is left there is reported again. EINTR is not retried:
// it may be the signal that tells the worker to stop.
//
// A set that goes last does so before its next wait. What has come meanwhile is reported when it is added again.
absl::StatusOr<const void*> WaitSet::Wait() {
  if (to_go_last_ < watched_.size()) {
    Control(EPOLL_CTL_DEL, to_go_last_).IgnoreError();  // Not there, if the last attempt to add it has failed.
    if (absl::Status status = Control(EPOLL_CTL_ADD, to_go_last_); !status.ok()) return status;
    to_go_last_ = SIZE_MAX;
  }
  epoll_event event;
  if (::epoll_wait(epoll_.get(), &event, 1, -1) != 1) return absl::UnavailableError("interrupted");
  const size_t place = event.data.u64;  // A copy: epoll_event is packed.
  if (order_ == Order::kLast && watched_[place].wakes == Wakes::kOne) to_go_last_ = place;
  return watched_[place].tag;
}

}  // namespace polyserve
