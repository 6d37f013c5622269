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

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/poller/poller.h"
#include "base/mutex.h"
#include "base/unique_fd.h"

namespace polyserve {

class EpollPoller : public Poller {
 public:
  // Takes one descriptor, and fails if none is left. Any trigger will do: each descriptor has its own (kEdge).
  static absl::StatusOr<std::unique_ptr<Poller>> Create(Trigger trigger);

  // The same, but before a wait sleeps, it polls the queues of the network cards that the watched sockets' packets come
  // from, for this many microseconds (1 to 1,000,000), so that no interrupt has to wake it. It keeps a processor busy
  // for as long. Cards that have no such queues (loopback above all) are not polled. Unimplemented: the kernel is older
  // than Linux 6.9, or was built without it (CONFIG_NET_RX_BUSY_POLL). Source: EPIOCSPARAMS, ioctl_eventpoll(2).
  static absl::StatusOr<std::unique_ptr<Poller>> CreateBusyPolling(int microseconds);

  // For several threads that take turns at one poller, under a mutex, which must outlive it. All calls are made with
  // the mutex held; Wait() releases it while it blocks, and notes as many events at most: one, so that one thread can
  // serve that while the next one waits; or more, if others can take them from it. Only one thread at a time may be in
  // Wait(). Watch what the others serve with kOneShot.
  static absl::StatusOr<std::unique_ptr<Poller>> CreateShared(Mutex& mutex, int events_per_wait);

  // See Poller. Each of the first three is one epoll_ctl(2), or two for a Change() with kExclusive. They fail if the
  // kernel has no memory, or the user has too many watches (/proc/sys/fs/epoll/max_user_watches); a regular file cannot
  // be watched.
  absl::Status Add(int fd, uint8_t events, Watched& watched) override;
  absl::Status Change(int fd, uint8_t events, Watched& watched) override;
  void Remove(int fd, Watched& watched) override;
  // Notes at most 512 events a call, or as many as CreateShared() says; the kernel reports the others first the next
  // time. (clang cannot follow a lock that is released and taken again.)
  absl::Status Wait(Clock::time_point until) override ABSL_NO_THREAD_SAFETY_ANALYSIS;

 private:
  EpollPoller(UniqueFd epoll, Mutex* mutex, int events_per_wait)
      : epoll_(std::move(epoll)), mutex_(mutex), events_per_wait_(events_per_wait) {}
  static absl::StatusOr<std::unique_ptr<EpollPoller>> Make(Mutex* mutex, int events_per_wait);

  absl::Status Control(int operation, int fd, uint8_t events, Watched& watched);

  const UniqueFd epoll_;
  Mutex* const mutex_;  // Null: one thread uses it.
  const int events_per_wait_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POLLER_EPOLL_POLLER_H_
