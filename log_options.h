// The flags about the server's own log: what it has, and in which form. See base/logging.h.
#ifndef POLYSERVE_LOG_OPTIONS_H_
#define POLYSERVE_LOG_OPTIONS_H_

#include "absl/status/statusor.h"
#include "base/logging.h"

namespace polyserve {

// After the flags were parsed. Returns InvalidArgument, with one line for the user, if a value is none of those that
// there are.
absl::StatusOr<LogOptions> LogOptionsFromFlags();

}  // namespace polyserve

#endif  // POLYSERVE_LOG_OPTIONS_H_
