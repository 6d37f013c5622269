// uring: one thread, which hands the kernel whole operations, a batch with each system call, and gets their results
// back (io_uring(7)). Cost: one system call per batch of requests, however many clients they come from; nothing per
// idle client. Weak spot: long work for one client stalls all; many systems, containers above all, do not allow it.
//
// The system call is in backends/uring/ring.cc, UringRing::SubmitAndWait(); the loop around it in
// backends/uring/uring_loop.cc, UringLoop::Run().
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/backend.h"
#include "backends/connection/offload_options.h"
#include "backends/event/event_loop.h"
#include "backends/multi_loop.h"
#include "backends/registry.h"
#include "backends/uring/uring_driver.h"
#include "backends/uring/uring_options.h"

namespace polyserve {

namespace {

absl::StatusOr<std::unique_ptr<Backend>> MakeUringBackend() {
  const absl::StatusOr<UringOptions> options = UringOptionsFromFlags();
  if (!options.ok()) return options.status();
  // Opens a ring and closes it again. Many systems forbid io_uring, by a sysctl or by a container's filter of system
  // calls, and the server should say so before it listens.
  if (absl::Status status = CheckUring(*options); !status.ok()) return status;
  const absl::StatusOr<OffloadOptions> offload = OffloadOptionsFromFlags();
  if (!offload.ok()) return offload.status();
  // Each loop makes its ring in its own thread: the kernel takes submissions only from the thread that created the ring
  // (IORING_SETUP_SINGLE_ISSUER, io_uring_setup(2)).
  return MakeMultiLoopBackend([options = *options, offload = *offload](ServerContext& context, const WorkerRole* role) {
    return MakeUringLoop(context, role, options, offload);
  });
}

// kernel_accepts: one operation accepts client after client (UringLoop::Accept()), without an accept4(2) for each.
const RegisterModel kRow({.name = "uring",
                          .description = "one thread, operations done by the kernel's ring",
                          .lesson = 120,
                          .can = {.kernel_accepts = true, .has_rings = true},
                          .flags = "sqpoll defer_taskrun registered zerocopy bundles "
                                   "workers worker_type accept pin_cpus offload offload_files",
                          .adjust = &AdjustLoopTraits,
                          .make = &MakeUringBackend});

}  // namespace

}  // namespace polyserve
