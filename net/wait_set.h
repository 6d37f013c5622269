// WaitSet: several descriptors that one worker of a pool waits for, while other workers wait for the same ones. An
// epoll(7) of the worker's own: create it in the worker, since a forked child would share its parent's, and with it the
// wake-ups. One thread. It only waits; what is ready must then be tried without blocking.
//
//   waits.Add(listener_fd, &listener, WaitSet::Wakes::kOne);
//   absl::StatusOr<const void*> tag = waits.Wait();  // &listener: accept there. Another worker may have been quicker.
#ifndef POLYSERVE_NET_WAIT_SET_H_
#define POLYSERVE_NET_WAIT_SET_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace polyserve {

class WaitSet {
 public:
  enum class Wakes {
    kOne,  // Of all workers that wait, the kernel wakes one for each event (EPOLLEXCLUSIVE, see epoll_ctl(2)). If that
           // one is killed at this moment, the others do not learn of the event; a new set sees it when it is added.
    kAll,  // All are woken: for a worker that waits alone, since the others wait for a lock first.
  };

  // Which of the sets that wait the kernel wakes with kOne: the first that was added.
  enum class Order {
    kStays,  // It remains the first: while few clients come, few workers do all the work.
    kLast,   // After each event the set goes behind all others, so that they take turns. Costs two system calls.
  };

  // Fails if the process has no descriptors left.
  static absl::StatusOr<WaitSet> Create(Order order = Order::kStays);

  // The tag, which may be null, is what Wait() returns when the descriptor is readable, or broken. The descriptor must
  // outlive the set: closing it would take it out of the set only with its last copy in any process (epoll(7)). Fails
  // if the system has no room for it, or if it is in the set already.
  absl::Status Add(int fd, const void* tag, Wakes wakes);

  // Blocks until a descriptor is ready, and returns its tag; if several are ready, they take turns. Unavailable: a
  // signal came. ResourceExhausted or the like: with kLast, the system has no room for the descriptor of the event
  // before; call it again after a pause.
  absl::StatusOr<const void*> Wait();

 private:
  struct Watched {
    int fd;
    const void* tag;
    Wakes wakes;
  };

  WaitSet(UniqueFd epoll, Order order) : epoll_(std::move(epoll)), order_(order) {}
  absl::Status Control(int operation, size_t place);

  UniqueFd epoll_;
  Order order_;
  std::vector<Watched> watched_;
  size_t to_go_last_ = SIZE_MAX;  // The descriptor of the event before, with kLast; SIZE_MAX: none.
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_WAIT_SET_H_
