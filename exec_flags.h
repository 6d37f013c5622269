// The flags about programs that are run as services (exec).
#ifndef POLYSERVE_EXEC_FLAGS_H_
#define POLYSERVE_EXEC_FLAGS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "listen_spec.h"
#include "programs/host_loop.h"

namespace polyserve {

// After the flags were parsed: the programs of these addresses, in their order, with their bounds, but without the
// drain time-out. Returns InvalidArgument, with one line for the user, if there are some and that is not allowed, or
// not together with the sandbox; or if a flag makes no sense.
absl::StatusOr<HostOptions> HostOptionsFromFlags(const std::vector<ListenSpec>& listen, bool has_sandbox);

}  // namespace polyserve

#endif  // POLYSERVE_EXEC_FLAGS_H_
