// EpollFromFlags: how the models that wait with epoll(7) and serve by MakeEventBackend() make their poller.
//
//   const absl::StatusOr<MakePoller> epoll = EpollFromFlags();
//   if (!epoll.ok()) return epoll.status();
//   return MakeEventBackend({.make_poller = *epoll});
#ifndef POLYSERVE_BACKENDS_EPOLL_FLAGS_H_
#define POLYSERVE_BACKENDS_EPOLL_FLAGS_H_

#include "absl/status/statusor.h"
#include "backends/event/poller_loop_options.h"

namespace polyserve {

// Reads --busy_poll; call it after the flags were parsed. InvalidArgument: it is out of range. What the kernel lacks
// shows when the result is called.
absl::StatusOr<MakePoller> EpollFromFlags();

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EPOLL_FLAGS_H_
