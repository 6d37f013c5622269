#include "client/shell.h"

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "client/command.h"

namespace polyserve {

namespace {

bool IsBlank(const std::string& line) { return absl::StripAsciiWhitespace(line).empty(); }

}  // namespace

ExitStatus RunShell(LineSource& lines, Runner& runner, bool stop_on_interrupt) {
  // One bad line does not end a script: the rest may not depend on it. The exit status still shows that something
  // failed.
  ExitStatus last_failure = kDone;
  while (const std::optional<std::string> line = lines.Next()) {
    if (IsBlank(*line)) continue;
    const absl::StatusOr<Command> command = ParseLine(*line);
    const absl::Status status = command.ok() ? runner.Run(*command) : command.status();
    if (!status.ok()) {
      PrintError(status);
      // A line that cannot be parsed is wrong usage, as it would be on the command line.
      last_failure = command.ok() ? ExitStatusOf(status) : kUsageError;
    }
    // At a prompt the user has cancelled one command, and goes on to the next. The interrupt itself is cleared by the
    // source of the lines, when it asks for one (LineEditor::Next()).
    if (absl::IsCancelled(status) && stop_on_interrupt) break;
    if (command.ok() && command->verb == Command::Verb::kQuit) break;
  }
  return last_failure;
}

}  // namespace polyserve
