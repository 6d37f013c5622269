// The ring driver: one thread serves all clients, and hands the kernel whole operations instead of asking what is
// ready: accept, receive and send, as many as there are, with one system call (io_uring(7), by liburing). This header
// is all that a model sees of it; neither liburing nor a type of it gets out.
#ifndef POLYSERVE_BACKENDS_URING_URING_DRIVER_H_
#define POLYSERVE_BACKENDS_URING_URING_DRIVER_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "backends/connection/offload_options.h"
#include "backends/event/event_loop.h"
#include "backends/uring/uring_options.h"

namespace polyserve {

// Whether the kernel has what the driver needs, for these options, and lets us have it. Unimplemented or
// PermissionDenied: the message says what the user can do. Opens a ring and closes it again, in a forked child if the
// ring has a thread; for the start, before the server listens. Call it while the process has one thread.
absl::Status CheckUring(const UringOptions& options);

// Gets a ring, and helpers (see Offload), but does not serve yet; see MakeLoop. Call it in the thread or process that
// will run the loop; the context and the role must outlive it. Fails as CheckUring() does, or if descriptors or memory
// are short.
absl::StatusOr<std::unique_ptr<EventLoop>> MakeUringLoop(ServerContext& context, const WorkerRole* role,
                                                         const UringOptions& options,
                                                         const OffloadOptions& offload_options);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_URING_URING_DRIVER_H_
