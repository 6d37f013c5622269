#include "backends/connection/offload_options.h"

#include <gflags/gflags.h>

#include "absl/status/status.h"
#include "base/command_line.h"

DEFINE_int32(offload, 0,
             "event loops and rings: this many helper threads for each loop do the long work; 0: the loop does it");
DEFINE_bool(offload_files, false, "with --offload: they also read files that are not in memory yet from the disk");

namespace polyserve {

namespace {

// Above this a typing error is likelier than a use: tasks compute, so more helpers than processors gain nothing, and
// each loop has its own.
constexpr int kMaxHelpers = 256;

}  // namespace

absl::StatusOr<OffloadOptions> OffloadOptionsFromFlags() {
  if (absl::Status status = CheckFlagRange("offload", FLAGS_offload, 0, kMaxHelpers); !status.ok()) return status;
  if (FLAGS_offload_files && FLAGS_offload == 0) {
    return absl::InvalidArgumentError("--offload_files needs helpers; say how many with --offload=N");
  }
  return OffloadOptions{.helpers = FLAGS_offload, .reads_files = FLAGS_offload_files};
}

}  // namespace polyserve
