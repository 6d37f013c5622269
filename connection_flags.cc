#include "connection_flags.h"

#include <gflags/gflags.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backends/overload/overload_options.h"
#include "base/command_line.h"

DEFINE_int64(max_connections, 0, "the most connections at a time, of all workers together; 0: no limit");
DECLARE_string(overload);

namespace polyserve {

namespace {

// Without a limit there is nothing above it, and only a queue of the model's own can be meant. The default of
// --overload must not count here, hence IsFlagSet().
absl::Status CheckOverload(const Model& model) {
  const absl::StatusOr<OverloadOptions> options = OverloadOptionsFromFlags();
  if (!options.ok()) return options.status();
  if (TraitsWithFlags(model).queues) return absl::OkStatus();
  if (options->rule == Overload::kNewest || options->rule == Overload::kDeadline || IsFlagSet("overload_queue")) {
    return absl::InvalidArgumentError(
        absl::StrCat("--overload=", FLAGS_overload, " is about a queue of the server's own, and with these flags ",
                     model.name, " has none; a pool has one with --accept=pass, an event loop without --offload; any ",
                     "model refuses what is beyond --max_connections=N with --overload=refuse"));
  }
  if (FLAGS_max_connections > 0 || !IsFlagSet("overload")) return absl::OkStatus();
  return absl::InvalidArgumentError("--overload goes with --max_connections=N; leave it out, or say how many");
}

}  // namespace

absl::StatusOr<ConnectionBound> ConnectionBoundFromFlags(const Model& model) {
  if (FLAGS_max_connections < 0) {
    return absl::InvalidArgumentError(absl::StrCat("--max_connections=", FLAGS_max_connections, " is below 0"));
  }
  if (absl::Status status = CheckOverload(model); !status.ok()) return status;
  return ConnectionBound{FLAGS_max_connections, FLAGS_overload == "refuse" ? ConnectionLimit::Overload::kRefuse
                                                                           : ConnectionLimit::Overload::kWait};
}

}  // namespace polyserve
