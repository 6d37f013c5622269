// Shell: reads commands line by line and executes them with a Runner, until the input ends or the user quits.
//
//   LineSource ── a line ──▶ ParseLine() ── Command ──▶ Runner::Run() ── an error ──▶ PrintError()
#ifndef POLYSERVE_CLIENT_SHELL_H_
#define POLYSERVE_CLIENT_SHELL_H_

#include "client/line_source.h"
#include "client/runner.h"

namespace polyserve {

// Prints each error and continues; skips blank lines. Returns the status of the last command that failed, kDone if none
// did. Blocks until then, in the calling thread. An interrupt cancels the running command and, if `stop_on_interrupt`
// (for input that is not typed), all further ones.
ExitStatus RunShell(LineSource& lines, Runner& runner, bool stop_on_interrupt);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_SHELL_H_
