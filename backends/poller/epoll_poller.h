// EpollPoller: epoll(7). The set is in the kernel: epoll_ctl(2) tells it once what to watch, and each epoll_wait(2)
// returns the ready ones alone. Each registration carries the pointer to its owner, so nothing is kept here for a
// descriptor that is watched, and nothing is searched.
//
// With kExclusive several loops that watch the same listener are not all woken for each client (the thundering herd):
// EPOLLEXCLUSIVE wakes one, seldom two. The kernel wakes the first waiter in its list that is asleep, so nearly all
// clients would come to one loop; Change() therefore registers the listener anew, which puts this loop last (nginx does
// the same, in ngx_reorder_accept_events). The flag counts only in the epoll on which a thread sleeps.
#ifndef POLYSERVE_BACKENDS_POLLER_EPOLL_POLLER_H_
#define POLYSERVE_BACKENDS_POLLER_EPOLL_POLLER_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/poller/poller.h"
#include "base/unique_fd.h"

namespace polyserve {

class EpollPoller : public Poller {
 public:
  // Takes one descriptor, and fails if none is left. Any trigger will do: each descriptor has its own (kEdge).
  static absl::StatusOr<std::unique_ptr<Poller>> Create(Trigger trigger);

  // See Poller. Each of the first three is one epoll_ctl(2), or two for a Change() with kExclusive. They fail if the
  // kernel has no memory, or the user has too many watches (/proc/sys/fs/epoll/max_user_watches); a regular file cannot
  // be watched.
  absl::Status Add(int fd, uint8_t events, Watched& watched) override;
  absl::Status Change(int fd, uint8_t events, Watched& watched) override;
  void Remove(int fd, Watched& watched) override;
  // Notes at most 512 events a call; the kernel reports the others first the next time.
  absl::Status Wait(Clock::time_point until) override;

 private:
  explicit EpollPoller(UniqueFd epoll) : epoll_(std::move(epoll)) {}

  absl::Status Control(int operation, int fd, uint8_t events, Watched& watched);

  const UniqueFd epoll_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POLLER_EPOLL_POLLER_H_
