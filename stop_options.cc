#include "stop_options.h"

#include <gflags/gflags.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/command_line.h"

DEFINE_string(
    stop_notice, "0s",
    "=TIME how long everything goes on as before after SIGTERM, while /-/ready says that the server will stop");
DEFINE_string(drain_timeout, "10s", "=TIME how long running requests may go on after that");
DEFINE_string(stop_grace, "1s",
              "=TIME how long connections without a request may stay then; at most half of --drain_timeout");

namespace polyserve {

// A grace that is longer than the drain time-out is no error: Signals::SetStopSchedule() cuts it to half of that.
absl::StatusOr<StopSchedule> StopScheduleFromFlags() {
  const absl::StatusOr<absl::Duration> notice = ParseTimeFlag("stop_notice", FLAGS_stop_notice);
  const absl::StatusOr<absl::Duration> drain_timeout = ParseTimeFlag("drain_timeout", FLAGS_drain_timeout);
  const absl::StatusOr<absl::Duration> grace = ParseTimeFlag("stop_grace", FLAGS_stop_grace);
  absl::Status status = notice.status();
  status.Update(drain_timeout.status());
  status.Update(grace.status());
  if (!status.ok()) return status;
  return StopSchedule{.notice = *notice, .drain_timeout = *drain_timeout, .grace = *grace};
}

}  // namespace polyserve
