// Launch: starts a program with a socket as its standard input and output, as inetd does, in a session and a process
// group of its own. It inherits nothing else of this process: no descriptor, no signal, and of the environment PATH and
// what is about language and time alone.
#ifndef POLYSERVE_PROGRAMS_LAUNCH_H_
#define POLYSERVE_PROGRAMS_LAUNCH_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// `words`: the path, and the arguments. `address`: the peer's, for the variable REMOTE_ADDR. The descriptors stay the
// caller's. The program is killed if the caller ends (PR_SET_PDEATHSIG). A program that cannot be run says so at its
// standard error, and exits with status 127. Unavailable: the system has no process left. From a process with one
// thread, which does not block.
absl::StatusOr<pid_t> Launch(const std::vector<std::string>& words, absl::string_view address, int stream, int errors);

}  // namespace polyserve

#endif  // POLYSERVE_PROGRAMS_LAUNCH_H_
