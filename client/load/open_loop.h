// OpenLoop: makes a plan an open loop, as the flags --rate and --profile say.
#ifndef POLYSERVE_CLIENT_LOAD_OPEN_LOOP_H_
#define POLYSERVE_CLIENT_LOAD_OPEN_LOOP_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/load/plan.h"

namespace polyserve {

// Sets `rate`, and `profile` if the rate changes. The plan's duration is set before.
//
//   rate     "2000": the same all the time; "0:5000": a ramp over the plan's duration; "0": none, a closed loop
//   profile  "", or a file (rate_profile.h) that takes the place of `rate`, and sets the plan's duration
//
// InvalidArgument: they are not like that. NotFound: the file cannot be opened.
absl::Status SetOpenLoop(absl::string_view rate, const std::string& profile, LoadPlan& plan);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_OPEN_LOOP_H_
