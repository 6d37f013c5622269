// The flags about how the server stops. See Signals::SetStopSchedule().
#ifndef POLYSERVE_STOP_OPTIONS_H_
#define POLYSERVE_STOP_OPTIONS_H_

#include "absl/status/statusor.h"
#include "net/signals.h"

namespace polyserve {

// After the flags were parsed. Returns InvalidArgument, with one line for the user, if a value is no time.
absl::StatusOr<StopSchedule> StopScheduleFromFlags();

}  // namespace polyserve

#endif  // POLYSERVE_STOP_OPTIONS_H_
