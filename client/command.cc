#include "client/command.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace polyserve {

namespace {

// In the order of the menu. No two words begin with the same letter, so one letter and the tab key complete any of
// them.
constexpr CommandInfo kCommands[] = {
    {"list", "ls", Command::Verb::kList, "list [PATTERN]", "the files on the server, or those like *.txt"},
    {"get", "", Command::Verb::kGet, "get NAME [as PATH]", "fetch a file"},
    {"put", "", Command::Verb::kPut, "put PATH [as NAME]", "send a file"},
    {"stat", "", Command::Verb::kStat, "stat NAME", "a file's size and date"},
    {"help", "", Command::Verb::kHelp, "help", "this list"},
    {"quit", "exit", Command::Verb::kQuit, "quit", "leave (Ctrl-D does the same)"},
};

constexpr absl::string_view kAs = " as ";

bool NeedsName(Command::Verb verb) {
  return verb == Command::Verb::kGet || verb == Command::Verb::kPut || verb == Command::Verb::kStat;
}

bool TakesName(Command::Verb verb) { return NeedsName(verb) || verb == Command::Verb::kList; }

bool TakesTwo(Command::Verb verb) { return verb == Command::Verb::kGet || verb == Command::Verb::kPut; }

absl::StatusOr<CommandInfo> FindCommand(absl::string_view word) {
  for (const CommandInfo& command : kCommands) {
    if (word == command.word || (word == command.habit && !word.empty())) return command;
  }
  const std::string words = absl::StrJoin(
      AllCommands(), ", ", [](std::string* out, const CommandInfo& command) { out->append(command.word); });
  return absl::InvalidArgumentError(absl::StrCat("there is no command '", word, "'; there are ", words));
}

// What follows the last slash; InvalidArgument if that is no name for a file. So a file that is fetched without a path
// always lands in the current directory, whatever its name on the server.
absl::StatusOr<std::string> BaseName(absl::string_view path) {
  const absl::string_view base = path.substr(path.rfind('/') + 1);  // npos + 1 is 0.
  if (base.empty() || base == "." || base == "..") {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "' does not end in a file's name"));
  }
  return std::string(base);
}

// `first` and `second` are in the order of the command line; `second` may be empty. get has the server's name first,
// put this machine's path, hence the exchange at the end.
absl::StatusOr<Command> MakeCommand(const CommandInfo& info, std::string first, std::string second) {
  const bool is_missing = NeedsName(info.verb) && first.empty();
  const bool is_too_many = !TakesName(info.verb) && !first.empty();
  if (is_missing || is_too_many) return absl::InvalidArgumentError(absl::StrCat("expected: ", info.syntax));
  // The same name on both sides unless the user gives another.
  if (TakesTwo(info.verb) && second.empty()) {
    absl::StatusOr<std::string> base = BaseName(first);
    if (!base.ok()) return base.status();
    second = *std::move(base);
  }
  // From here on `name` is the server's and `path` is this machine's, whatever the verb.
  if (info.verb == Command::Verb::kPut) std::swap(first, second);
  return Command{info.verb, std::move(first), std::move(second)};
}

// Takes a name off the front of the text: a quoted one, or all of it. There is no escape for a quote within quotes;
// such a name can be given as an argument of the program.
absl::StatusOr<std::string> TakeName(absl::string_view& text) {
  const bool quoted = !text.empty() && text[0] == '"';
  const size_t end = quoted ? text.find('"', 1) : text.size();
  if (end == absl::string_view::npos) return absl::InvalidArgumentError("the closing quote is missing");
  const std::string name(quoted ? text.substr(1, end - 1) : text);
  text.remove_prefix(quoted ? end + 1 : end);
  return name;
}

}  // namespace

absl::Span<const CommandInfo> AllCommands() { return kCommands; }

std::string DescribeCommands() {
  std::string text;
  for (const CommandInfo& command : kCommands) {
    absl::StrAppendFormat(&text, "  %-20s  %s\n", command.syntax, command.description);
  }
  return text;
}

// The shell has split the words, so an argument is a name however many spaces it holds. One too many most likely is a
// name that was not quoted. The output that -o names takes the place of the second argument; that -o goes with get
// alone is checked by the program (CheckFlags() in client/main.cc).
absl::StatusOr<Command> ParseArguments(const std::vector<std::string>& arguments, const std::string& output) {
  const absl::StatusOr<CommandInfo> info = FindCommand(arguments.front());
  if (!info.ok()) return info.status();
  const bool is_put = info->verb == Command::Verb::kPut;
  const size_t most = is_put ? 3 : TakesName(info->verb) ? 2 : 1;
  if (arguments.size() > most) {
    return absl::InvalidArgumentError(absl::StrCat("'", arguments[most], "' is one argument too many for ", info->word,
                                                   "; names with spaces need quotes"));
  }
  if (NeedsName(info->verb) && arguments.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat(info->word, " needs the name of a file; see --help"));
  }
  const std::string first = arguments.size() > 1 ? arguments[1] : "";
  return MakeCommand(*info, first, arguments.size() > 2 ? arguments[2] : output);
}

// Not split at spaces: names of files have them, and at a prompt no shell has taken the quotes away.
absl::StatusOr<Command> ParseLine(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  const size_t space = std::min(line.find(' '), line.size());
  const absl::StatusOr<CommandInfo> info = FindCommand(line.substr(0, space));
  if (!info.ok()) return info.status();
  // Blanks in front are dropped, so a name that begins with one has to be quoted.
  absl::string_view rest = absl::StripLeadingAsciiWhitespace(line.substr(space));

  absl::string_view second;
  const bool quoted = absl::StartsWith(rest, "\"");
  // Behind a closing quote the first " as " counts, because what is before it cannot be part of the name. Without
  // quotes the last one counts: names with " as " in them are likelier than such paths. If the closing quote is
  // missing, the search begins at the end and finds nothing, and TakeName() reports the quote.
  const size_t closing = quoted ? rest.find('"', 1) : absl::string_view::npos;
  const size_t as = !TakesTwo(info->verb) ? absl::string_view::npos
                    : quoted              ? rest.find(kAs, std::min(closing, rest.size()))
                                          : rest.rfind(kAs);
  if (as != absl::string_view::npos) {
    second = absl::StripLeadingAsciiWhitespace(rest.substr(as + kAs.size()));
    rest = absl::StripTrailingAsciiWhitespace(rest.substr(0, as));
  }
  const absl::StatusOr<std::string> first_name = TakeName(rest);
  if (!first_name.ok()) return first_name.status();
  // Also if nothing was given: an empty text is an empty name, which MakeCommand() replaces.
  const absl::StatusOr<std::string> second_name = TakeName(second);
  if (!second_name.ok()) return second_name.status();
  // TakeName() has left something: text behind a closing quote.
  if (!rest.empty() || !second.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("what stands behind the quote? Expected: ", info->syntax));
  }
  return MakeCommand(*info, *first_name, *second_name);
}

}  // namespace polyserve
