// Shell: reads commands, line by line, and has the runner carry them out, until there are no more.
#ifndef POLYSERVE_CLIENT_SHELL_H_
#define POLYSERVE_CLIENT_SHELL_H_

#include "client/line_source.h"
#include "client/runner.h"

namespace polyserve {

// Prints errors and goes on; blank lines are passed over. Returns the status of the last command that failed, kDone
// if none did. An interrupt cancels the running command and, where `stop_on_interrupt`, all that would follow.
ExitStatus RunShell(LineSource& lines, Runner& runner, bool stop_on_interrupt);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_SHELL_H_
