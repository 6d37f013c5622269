#include "base/command_line.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/help_text.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

// gflags defines flags of its own (--flagfile, --undefok, ...). Of these only --help and --version do something here;
// the others count as unknown.
bool FindFlag(const std::string& name, gflags::CommandLineFlagInfo& info) {
  return gflags::GetCommandLineFlagInfo(name.c_str(), &info) &&
         (name == "help" || name == "version" || !absl::StrContains(info.filename, "gflags"));
}

// The number of letters to change, add or drop to make one word of the other (Levenshtein, by rows). After i turns,
// row[j] is the distance of the first i letters of `a` and the first j of `b`; `diagonal` holds the value of the row
// above that row[j - 1] has just replaced.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

// Suggests a flag that is at most two typing errors away; beyond that, all short names would be near each other.
absl::Status UnknownFlag(absl::string_view name) {
  std::vector<gflags::CommandLineFlagInfo> flags;
  gflags::GetAllFlags(&flags);
  std::erase_if(flags, [](const auto& flag) { return absl::StrContains(flag.filename, "src/"); });  // The libraries'.
  const auto nearest = std::min_element(flags.begin(), flags.end(), [name](const auto& a, const auto& b) {
    return EditDistance(name, a.name) < EditDistance(name, b.name);
  });
  const bool is_near = nearest != flags.end() && EditDistance(name, nearest->name) <= 2;
  return absl::InvalidArgumentError(
      absl::StrCat("unknown flag --", name,
                   is_near ? absl::StrCat("; did you mean --", nearest->name, "?") : std::string("; see --help")));
}

// The value is checked by the type of the flag; gflags reports a bad one by an empty text.
absl::Status SetFlag(const std::string& name, const std::string& value) {
  if (!gflags::SetCommandLineOption(name.c_str(), value.c_str()).empty()) return absl::OkStatus();
  gflags::CommandLineFlagInfo info;
  FindFlag(name, info);
  return absl::InvalidArgumentError(absl::StrCat("--", name, "='", value, "' is not a value of type ", info.type));
}

// Appends the flags of the file to `words`.
absl::Status ReadFlagFile(const std::string& path, std::vector<std::string>& words) {
  std::ifstream file(path);
  if (!file) return SysError("--flagfile: cannot read", path);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const absl::string_view flag = absl::StripAsciiWhitespace(line);
    if (flag.empty() || flag[0] == '#') continue;
    if (!absl::StartsWith(flag, "--") || absl::StartsWith(flag, "--flagfile")) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": '", flag, "' is not --name=value, or is another --flagfile"));
    }
    words.emplace_back(flag);
  }
  // A directory can be opened, but not read.
  if (file.bad()) return SysError("--flagfile: cannot read", path);
  return absl::OkStatus();
}

// What stands for the flag's value in the help. Removed from the front of the description, if it is there.
absl::string_view TakePlaceholder(absl::string_view type, absl::string_view& description) {
  if (!absl::StartsWith(description, "=")) return type == "string" ? "TEXT" : "N";
  const size_t end = std::min(description.find(' '), description.size());
  const absl::string_view placeholder = description.substr(1, end - 1);
  description = absl::StripLeadingAsciiWhitespace(description.substr(end));
  return placeholder;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseCommandLine(int argc, char** argv) {
  std::vector<std::string> others;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    // Guideline 10 of POSIX's Utility Syntax Guidelines (Base Definitions, 12.2): what follows is no flag, even if it
    // begins with a dash. Guideline 13 is the next case: a dash alone is standard input or output.
    if (argument == "--") {
      others.insert(others.end(), argv + i + 1, argv + argc);
      break;
    }
    if (argument.size() < 2 || argument[0] != '-') {
      others.emplace_back(argument);
      continue;
    }
    if (!absl::ConsumePrefix(&argument, "--")) absl::ConsumePrefix(&argument, "-");
    const size_t equals = argument.find('=');
    const std::string name(argument.substr(0, equals));
    gflags::CommandLineFlagInfo info;
    absl::Status status;
    if (!FindFlag(name, info)) {
      // A flag of its own wins over the negation, so that --notify is not "--no" and "tify".
      const bool negated = absl::StartsWith(name, "no") && FindFlag(name.substr(2), info) && info.type == "bool";
      status = negated && equals == absl::string_view::npos ? SetFlag(name.substr(2), "false") : UnknownFlag(name);
    } else if (equals != absl::string_view::npos) {
      status = SetFlag(name, std::string(argument.substr(equals + 1)));
    } else if (info.type == "bool") {
      status = SetFlag(name, "true");
    } else if (i + 1 < argc) {
      status = SetFlag(name, argv[++i]);
    } else {
      status = absl::InvalidArgumentError(absl::StrCat("--", name, " needs a value"));
    }
    if (!status.ok()) return status;
  }
  return others;
}

absl::Status ExpandFlagFiles(int& argc, char**& argv) {
  // Never destroyed: the process may look at its command line until it ends.
  static auto& words = *new std::vector<std::string>();
  static auto& pointers = *new std::vector<char*>();
  words.clear();
  pointers.clear();
  for (int i = 0; i < argc; ++i) {
    absl::string_view word = argv[i];
    if (word == "--") {
      words.insert(words.end(), argv + i, argv + argc);
      break;
    }
    bool names_file = absl::ConsumePrefix(&word, "--flagfile=");
    if (word == "--flagfile" && i + 1 < argc) {
      names_file = true;
      word = argv[++i];
    }
    if (!names_file) {
      words.emplace_back(word);
    } else if (absl::Status status = ReadFlagFile(std::string(word), words); !status.ok()) {
      return status;
    }
  }
  for (std::string& word : words) pointers.push_back(word.data());
  argc = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);  // As exec(3) wants it.
  argv = pointers.data();
  return absl::OkStatus();
}

std::string DescribeFlags(absl::string_view names) {
  std::string text;
  for (const absl::string_view name : absl::StrSplit(names, ' ', absl::SkipEmpty())) {
    gflags::CommandLineFlagInfo info;
    if (!FindFlag(std::string(name), info)) continue;
    const bool is_switch = info.type == "bool";
    absl::string_view meaning = info.description;
    const std::string head = is_switch ? absl::StrCat(info.default_value == "true" ? "--[no]" : "--", name)
                                       : absl::StrCat("--", name, "=", TakePlaceholder(info.type, meaning));
    const std::string value =
        is_switch || info.default_value.empty() ? "" : absl::StrCat(" (default: ", info.default_value, ")");
    absl::StrAppend(&text, HelpEntry(head, absl::StrCat(meaning, value)));
  }
  return text;
}

std::string DescribeTopics(absl::Span<const FlagTopic> topics) {
  std::string text;
  for (const FlagTopic& topic : topics) absl::StrAppend(&text, "\n", topic.title, ":\n", DescribeFlags(topic.flags));
  return text;
}

bool IsFlagSet(const std::string& name) {
  gflags::CommandLineFlagInfo info;
  // gflags clears is_default when a flag is set, even to the value that is its default.
  return FindFlag(name, info) && !info.is_default;
}

absl::Status CheckFlagRange(absl::string_view name, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--", name, "=", value, " is not from ", least, " to ", most));
}

// SimpleAtod() also reads "inf", "nan" and "-1"; absl::Seconds() makes an infinite duration of the first, and the
// checks at the end refuse the others. A number comes first because absl::ParseDuration() refuses one without a unit,
// unless it is 0.
absl::StatusOr<absl::Duration> ParseTimeFlag(absl::string_view name, absl::string_view value) {
  absl::Duration duration;
  double seconds = 0;
  if (absl::SimpleAtod(value, &seconds)) {
    duration = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(value, &duration)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", name, "='", value, "' is not a time; write for example 10s, 500ms or inf"));
  }
  if (std::isnan(seconds) || duration < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(absl::StrCat("--", name, "='", value, "' is not a length of time"));
  }
  return duration;
}

absl::StatusOr<absl::Duration> ParseTimeoutFlag(absl::string_view name, absl::string_view value,
                                                absl::string_view if_none) {
  absl::StatusOr<absl::Duration> timeout = ParseTimeFlag(name, value);
  if (!timeout.ok() || *timeout >= absl::Milliseconds(1)) return timeout;
  return absl::InvalidArgumentError(absl::StrCat("--", name, " is below 1ms; ", if_none));
}

}  // namespace polyserve
