#include "stop_options.h"

#include <gflags/gflags.h>

#include "absl/status/status.h"
#include "base/command_line.h"
#include "base/take.h"

DEFINE_string(
    stop_notice, "0s",
    "=TIME how long everything goes on as before after SIGTERM, while /-/ready says that the server will stop");
DEFINE_string(drain_timeout, "10s", "=TIME how long running requests may go on after that");
DEFINE_string(stop_grace, "1s",
              "=TIME how long connections without a request may stay then; at most half of --drain_timeout");

namespace polyserve {

// A grace that is longer than the drain time-out is no error: Signals::SetStopSchedule() cuts it to half of that.
absl::StatusOr<StopSchedule> StopScheduleFromFlags() {
  StopSchedule schedule;
  absl::Status status = Take(ParseTimeFlag("stop_notice", FLAGS_stop_notice), schedule.notice);
  status.Update(Take(ParseTimeFlag("drain_timeout", FLAGS_drain_timeout), schedule.drain_timeout));
  status.Update(Take(ParseTimeFlag("stop_grace", FLAGS_stop_grace), schedule.grace));
  if (!status.ok()) return status;
  return schedule;
}

}  // namespace polyserve
