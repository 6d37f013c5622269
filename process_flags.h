// The flags about what the server's process may do: which user it is, what it sees, and what it gives up.
#ifndef POLYSERVE_PROCESS_FLAGS_H_
#define POLYSERVE_PROCESS_FLAGS_H_

#include "absl/status/statusor.h"
#include "lifecycle/privileges.h"

namespace polyserve {

struct ProcessOptions {
  Privileges::Options privileges;
  bool has_sandbox;
};

// After the flags were parsed. Returns InvalidArgument, with one line for the user, if a value is none of those that
// there are; what the system allows is for Privileges and Sandbox to check.
absl::StatusOr<ProcessOptions> ProcessOptionsFromFlags();

}  // namespace polyserve

#endif  // POLYSERVE_PROCESS_FLAGS_H_
