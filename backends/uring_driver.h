// The ring driver: one thread serves all clients, and hands the kernel whole operations instead of asking what is
// ready: accept, receive and send, as many as there are, with one system call (io_uring(7), by liburing).
#ifndef POLYSERVE_BACKENDS_URING_DRIVER_H_
#define POLYSERVE_BACKENDS_URING_DRIVER_H_

#include "absl/status/status.h"
#include "backends/serve_context.h"

namespace polyserve {

// Whether the kernel has what the driver needs, and lets us have it; where not, what to do.
absl::Status CheckUring();

// Serves until told to stop; see Backend::Serve(). Fails where CheckUring() does.
absl::Status DriveUring(ServeContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_URING_DRIVER_H_
