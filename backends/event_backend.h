// MakeEventBackend: an event loop, or several, as a Backend. What is left for a model to say is which Poller it
// waits with, and, if not by the event driver, how a client is served.
#ifndef POLYSERVE_BACKENDS_EVENT_BACKEND_H_
#define POLYSERVE_BACKENDS_EVENT_BACKEND_H_

#include <memory>

#include "absl/status/statusor.h"
#include "backends/backend.h"
#include "backends/event/poller_loop_options.h"

namespace polyserve {

// Clients are served by the event driver, and the trigger is taken from --trigger. InvalidArgument: the poller
// does not have it.
absl::StatusOr<std::unique_ptr<Backend>> MakeEventBackend(PollerLoopOptions options);

// Clients are served by what `start` starts. InvalidArgument: this system has no such
// poller.
absl::StatusOr<std::unique_ptr<Backend>> MakeEventBackend(const PollerLoopOptions& options, StartClient start);

// For the rows of such models.
constexpr char kEventFlags[] = "trigger workers worker_type accept accept_batch pin_cpus offload offload_files";
constexpr char kLevelEventFlags[] = "workers worker_type accept accept_batch pin_cpus offload offload_files";

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_BACKEND_H_
