#include "net/wait_set.h"

#include <sys/epoll.h>

#include "base/sys_error.h"

namespace polyserve {

absl::StatusOr<WaitSet> WaitSet::Create() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return SysError("epoll_create1");
  return WaitSet(std::move(epoll));
}

// EPOLLEXCLUSIVE can be given only when the descriptor is added, and wakes at least one of the waiting epolls: without
// it all workers would wake for one client, and all but one in vain.
absl::Status WaitSet::Add(int fd, const void* tag, Wakes wakes) {
  epoll_event event = {};
  event.events = wakes == Wakes::kOne ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN;
  event.data.ptr = const_cast<void*>(tag);
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? absl::OkStatus() : SysError("epoll_ctl");
}

// One event for each call: the kernel moves a descriptor that it has reported behind the other ready ones, so that a
// busy listener does not starve the rest. Level-triggered: what is left there is reported again. EINTR is not retried:
// it may be the signal that tells the worker to stop.
absl::StatusOr<const void*> WaitSet::Wait() {
  epoll_event event;
  if (::epoll_wait(epoll_.get(), &event, 1, -1) != 1) return absl::UnavailableError("interrupted");
  return static_cast<const void*>(event.data.ptr);  // A copy: epoll_event is packed.
}

}  // namespace polyserve
