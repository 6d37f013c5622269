// Command: a command of the user, parsed from the program's arguments or from a line typed at the prompt. Text only:
// Runner executes it.
//
//   client ... get a.txt -o b.txt     ParseArguments({"get", "a.txt"}, "b.txt")  ┐
//                                                                                ├─▶ {kGet, "a.txt", "b.txt"}
//   polyserve> get a.txt as b.txt     ParseLine("get a.txt as b.txt")            ┘
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
  std::string name;  // On the server: get, put, stat; list: a pattern of names, or empty. Empty for the other verbs.
  std::string path;  // On this machine: get ("-" is standard output), put. Empty for the other verbs.
};

// A row of the table that parsing, completion and the menu share.
struct CommandInfo {
  const char* word;
  const char* habit;  // What users of other programs type for it; may be empty.
  Command::Verb verb;
  const char* syntax;  // At the prompt.
  const char* description;
};

// Static storage.
absl::Span<const CommandInfo> AllCommands();

// The menu: a line for each command.
std::string DescribeCommands();

// Parses the program's arguments: "get NAME", "put PATH [NAME]", "stat NAME", "list [PATTERN]", "help". `output` is the
// path for get; if it is empty, the base name of NAME is used. Returns InvalidArgument, with a text for the user, for
// anything else.
absl::StatusOr<Command> ParseArguments(const std::vector<std::string>& arguments, const std::string& output);

// Parses a line of the prompt: "get NAME [as PATH]", "put PATH [as NAME]" and so on. A name is the rest of the line,
// spaces included, or is quoted: get "a as b" as "c d". The last " as " counts. Returns InvalidArgument, with a text
// for the user, for anything else. REQUIRES: the line is not blank.
absl::StatusOr<Command> ParseLine(absl::string_view line);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_COMMAND_H_
