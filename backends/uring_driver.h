// The ring driver: one thread serves all clients, and hands the kernel whole operations instead of asking what is
// ready: accept, receive and send, as many as there are, with one system call (io_uring(7), by liburing).
#ifndef POLYSERVE_BACKENDS_URING_DRIVER_H_
#define POLYSERVE_BACKENDS_URING_DRIVER_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/serve_context.h"

namespace polyserve {

// Whether the kernel has what the driver needs, and lets us have it; where not, what to do.
absl::Status CheckUring();

class UringDriver {
 public:
  virtual ~UringDriver() = default;

  // Gets the ring, but does not serve yet. The context must outlive it. Fails where CheckUring() does, or for want of
  // descriptors or memory. Run() has to be called by the same thread.
  static absl::StatusOr<std::unique_ptr<UringDriver>> Create(ServeContext& context);

  // Serves until told to stop; see Backend::Serve(). Called once.
  virtual absl::Status Run() = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_URING_DRIVER_H_
