#include "base/command_line.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

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

// The meanings begin in one column, 24 places from the left; a longer flag moves only its own.
std::string DescribeFlags(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    gflags::CommandLineFlagInfo info;
    if (!FindFlag(name, info)) continue;
    const std::string head = info.type == "bool" ? absl::StrCat("--", name) : absl::StrCat("--", name, "=...");
    absl::StrAppend(&text, "  ", head, std::string(head.size() < 22 ? 22 - head.size() : 1, ' '), info.description);
    if (info.type != "bool" && !info.default_value.empty())
      absl::StrAppend(&text, " (default: ", info.default_value, ")");
    absl::StrAppend(&text, "\n");
  }
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

}  // namespace polyserve
