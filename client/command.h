// Command: what the user asks for, from the arguments of the program or from a line typed at the prompt.
#ifndef POLYSERVE_CLIENT_COMMAND_H_
#define POLYSERVE_CLIENT_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace polyserve {

struct Command {
  enum class Verb { kList, kGet, kPut, kStat, kHelp, kQuit };

  Verb verb;
  std::string name;  // On the server: get, put, stat.
  std::string path;  // Here: get ("-" is standard output), put.
};

// A row of the one table that parsing, completion and the menu are made from.
struct CommandInfo {
  const char* word;
  Command::Verb verb;
  const char* syntax;  // At the prompt.
  const char* description;
};

absl::Span<const CommandInfo> AllCommands();

// A line for each command.
std::string DescribeCommands();

// From the program's arguments: "get NAME", "put PATH [NAME]", "stat NAME", "list", "help". `output` is the path for
// get, empty for the base name of NAME. InvalidArgument: anything else.
absl::StatusOr<Command> ParseArguments(const std::vector<std::string>& arguments, const std::string& output);

// From a line that is not blank: "get NAME [as PATH]", "put PATH [as NAME]" and so on. A name is all that follows, with
// its spaces, or stands in quotes: get "a as b" as "c d". The last " as " counts. InvalidArgument: anything else.
absl::StatusOr<Command> ParseLine(absl::string_view line);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_COMMAND_H_
