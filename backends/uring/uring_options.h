// UringOptions: what the flags of the ring ask for, beyond what it does by itself: multishot accepts and receives into
// buffers that it has lent to the kernel, and one system call for a batch. docs/models.md says what each of them pays.
#ifndef POLYSERVE_BACKENDS_URING_URING_OPTIONS_H_
#define POLYSERVE_BACKENDS_URING_URING_OPTIONS_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace polyserve {

// Plain data, the same for all rings of a server.
struct UringOptions {
  // When the kernel does the work that leads to completions.
  enum class TaskRun {
    kBest,         // Deferred if the kernel knows that, or else cooperatively.
    kDeferred,     // When the thread waits for completions (IORING_SETUP_DEFER_TASKRUN, Linux 6.1).
    kCooperative,  // At any system call of the thread (IORING_SETUP_COOP_TASKRUN).
  };
  TaskRun task_run = TaskRun::kBest;
  // A thread of the kernel takes submissions, and polls for them for this long before it sleeps (IORING_SETUP_SQPOLL).
  // Zero: there is none, and each batch is submitted by a system call.
  absl::Duration polled_for = absl::ZeroDuration();
  // Operations name sockets by a place in a table of the ring, not by descriptor (IOSQE_FIXED_FILE).
  bool registers_files = false;
  // Large pieces of memory are sent without a copy (IORING_OP_SEND_ZC).
  bool zerocopy = false;
  // A receive may fill several buffers (IORING_RECVSEND_BUNDLE).
  bool bundles = false;
  // Each receive of a request brings the moment of its arrival. Not a flag: the loop wants it if requests are timed.
  // Not with bundles.
  bool stamps_arrivals = false;

  bool is_polled() const { return polled_for > absl::ZeroDuration(); }
};

// Reads the flags; call it after they are parsed. InvalidArgument: a value is out of range, or flags contradict each
// other. What the kernel lacks shows when a ring is made.
absl::StatusOr<UringOptions> UringOptionsFromFlags();

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_URING_URING_OPTIONS_H_
