#include "backends/uring/uring_options.h"

#include <gflags/gflags.h>

#include "absl/status/status.h"
#include "base/command_line.h"
#include "base/take.h"

DEFINE_bool(defer_taskrun, true,
            "uring: the kernel works on completions when the loop waits for them; --nodefer_taskrun: at any call");
DEFINE_string(
    sqpoll, "0",
    "=TIME uring: a thread of the kernel takes submissions, and polls this long before it sleeps; 0: there is none");
DEFINE_bool(registered, false, "uring: operations name sockets by a place in a table of the ring");
DEFINE_bool(zerocopy, false, "uring: replies of 16 KiB and more are sent without copying them");
DEFINE_bool(bundles, false, "uring: one completion may bring several buffers of input");

namespace polyserve {

namespace {

// The kernel counts it in milliseconds (sq_thread_idle, io_uring_setup(2)). Above a minute it would be no idling.
constexpr absl::Duration kLeastPolling = absl::Milliseconds(1);
constexpr absl::Duration kMostPolling = absl::Minutes(1);

}  // namespace

absl::StatusOr<UringOptions> UringOptionsFromFlags() {
  using TaskRun = UringOptions::TaskRun;
  UringOptions options;
  const absl::Status status = Take(ParseTimeFlag("sqpoll", FLAGS_sqpoll), options.polled_for);
  if (!status.ok()) return status;
  if (options.is_polled() && (options.polled_for < kLeastPolling || options.polled_for > kMostPolling)) {
    return absl::InvalidArgumentError("--sqpoll has to be from 1ms to 1m, or 0 for no such thread");
  }
  if (options.is_polled() && IsFlagSet("defer_taskrun")) {
    return absl::InvalidArgumentError(
        "--defer_taskrun means nothing with --sqpoll, whose thread works on completions: leave out either");
  }
  if (IsFlagSet("defer_taskrun")) options.task_run = FLAGS_defer_taskrun ? TaskRun::kDeferred : TaskRun::kCooperative;
  options.registers_files = FLAGS_registered;
  options.zerocopy = FLAGS_zerocopy;
  options.bundles = FLAGS_bundles;
  return options;
}

}  // namespace polyserve
