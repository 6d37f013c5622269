// MakeEventBackend: an event loop, or several (--workers), as a Backend. What is left for a model to say is which
// Poller it waits with, and, if not by the event driver, how a client is served:
//
//   return MakeEventBackend({.make_poller = &PollPoller::Create});        // poll.cc
//   return MakeEventBackend({.make_poller = *epoll}, &Start);             // coroutine.cc
#ifndef POLYSERVE_BACKENDS_EVENT_BACKEND_H_
#define POLYSERVE_BACKENDS_EVENT_BACKEND_H_

#include <memory>

#include "absl/status/statusor.h"
#include "backends/backend.h"
#include "backends/event/poller_loop_options.h"

namespace polyserve {

// Clients are served by the event driver (backends/event/event_connection.h). Takes the trigger from --trigger, and the
// rest of the options from the flags below. InvalidArgument: a flag makes no sense, or this poller does not have the
// trigger. Other errors: this system has no such poller.
absl::StatusOr<std::unique_ptr<Backend>> MakeEventBackend(PollerLoopOptions options);

// Clients are served by what `start` starts, in the loop's thread. The trigger is that of the options: a driver that
// reads less than there is cannot live with edges.
absl::StatusOr<std::unique_ptr<Backend>> MakeEventBackend(const PollerLoopOptions& options, StartClient start);

// The flags of such models, for their rows in the registry; the second for models without --trigger. Those
// whose poller can wake one loop of several (Poller::kExclusive) have --wake as well.
constexpr char kEventFlags[] = "trigger workers worker_type accept accept_batch pin_cpus offload offload_files";
constexpr char kLevelEventFlags[] = "workers worker_type accept accept_batch pin_cpus offload offload_files";

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_BACKEND_H_
