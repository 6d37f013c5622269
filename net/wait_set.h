// WaitSet: several descriptors that one worker of a pool waits at, while others wait at the same ones.
#ifndef POLYSERVE_NET_WAIT_SET_H_
#define POLYSERVE_NET_WAIT_SET_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace polyserve {

class WaitSet {
 public:
  enum class Wakes {
    kOne,  // Of all who wait at it, the kernel wakes one for each event (EPOLLEXCLUSIVE, see epoll_ctl(2)). Should that
           // one be killed at this moment, the others do not learn of the event; a new set sees it when it is added.
    kAll,  // All are woken: for one who is alone in waiting, as the others want a lock first.
  };

  static absl::StatusOr<WaitSet> Create();

  // The tag is what Wait() returns when the descriptor is readable, or broken. The descriptor must outlive the set.
  absl::Status Add(int fd, const void* tag, Wakes wakes);

  // Returns one tag; if several are due, they take turns. Unavailable: a signal came.
  absl::StatusOr<const void*> Wait();

 private:
  explicit WaitSet(UniqueFd epoll) : epoll_(std::move(epoll)) {}

  UniqueFd epoll_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_WAIT_SET_H_
