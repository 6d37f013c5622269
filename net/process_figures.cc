#include "net/process_figures.h"

#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace polyserve {

namespace {

// The longest of these files are smaps_rollup, of some 700 bytes, and the list of children.
constexpr size_t kMaxBytes = 16 * 1024;

// Fields of /proc/PID/stat behind the name, which is the second; proc(5) counts from 1.
constexpr size_t kFirstBehindName = 3;
constexpr size_t kParent = 4;
constexpr size_t kUserTime = 14;
constexpr size_t kSystemTime = 15;
constexpr size_t kChildrenUserTime = 16;
constexpr size_t kChildrenSystemTime = 17;
constexpr size_t kThreads = 20;
constexpr size_t kResidentPages = 24;

// The beginning of the file, empty if it cannot be read. In one read(2), so that its numbers are of one moment.
std::string Read(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return "";
  std::string text(kMaxBytes, '\0');
  const ssize_t count = ::read(fd.get(), text.data(), text.size());
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

// The line of a stat file, of a process or a thread.
struct Stat {
  std::string name;
  std::vector<int64_t> numbers;  // From field 3 on; the state, a letter, is 0.

  int64_t field(size_t number) const { return numbers[number - kFirstBehindName]; }
};

// The name stands in parentheses, and may itself hold blanks and parentheses: it ends with the last one.
std::optional<Stat> ReadStat(const std::string& path) {
  const std::string text = Read(path);
  const size_t begin = text.find('(');
  const size_t end = text.rfind(')');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return std::nullopt;
  Stat stat{.name = text.substr(begin + 1, end - begin - 1), .numbers = {}};
  for (const absl::string_view word : absl::StrSplit(text.substr(end + 1), ' ', absl::SkipWhitespace())) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(word, &number)) number = 0;
    stat.numbers.push_back(number);
  }
  if (stat.numbers.size() <= kResidentPages - kFirstBehindName) return std::nullopt;
  return stat;
}

double Seconds(int64_t ticks) {
  static const double ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return static_cast<double>(ticks) / ticks_per_second;
}

}  // namespace

std::optional<ProcessFigures> ReadProcessFigures(pid_t process) {
  const std::optional<Stat> stat = ReadStat(absl::StrCat("/proc/", process, "/stat"));
  if (!stat.has_value()) return std::nullopt;
  return ProcessFigures{
      .process = process,
      .parent = static_cast<pid_t>(stat->field(kParent)),
      .name = stat->name,
      .threads = static_cast<int>(stat->field(kThreads)),
      .cpu_seconds = Seconds(stat->field(kUserTime) + stat->field(kSystemTime)),
      .children_cpu_seconds = Seconds(stat->field(kChildrenUserTime) + stat->field(kChildrenSystemTime)),
      .rss_bytes = stat->field(kResidentPages) * ::sysconf(_SC_PAGESIZE)};
}

// "Pss:                1234 kB"
std::optional<int64_t> ReadProportionalBytes(pid_t process) {
  const std::string text = Read(absl::StrCat("/proc/", process, "/smaps_rollup"));
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipWhitespace());
    int64_t kilobytes = 0;
    if (words.size() >= 2 && words[0] == "Pss:" && absl::SimpleAtoi(words[1], &kilobytes)) return kilobytes * 1024;
  }
  return std::nullopt;
}

std::optional<double> ReadThreadCpuSeconds(pid_t process, pid_t thread) {
  const std::optional<Stat> stat = ReadStat(absl::StrCat("/proc/", process, "/task/", thread, "/stat"));
  if (!stat.has_value()) return std::nullopt;
  return Seconds(stat->field(kUserTime) + stat->field(kSystemTime));
}

// Breadth first, with the list itself as the queue.
std::vector<pid_t> ListDescendants(pid_t process, size_t most) {
  std::vector<pid_t> found = {process};
  for (size_t at = 0; at < found.size(); ++at) {
    const std::string text = Read(absl::StrCat("/proc/", found[at], "/task/", found[at], "/children"));
    for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipWhitespace())) {
      pid_t child = 0;
      if (found.size() <= most && absl::SimpleAtoi(word, &child)) found.push_back(child);
    }
  }
  found.erase(found.begin());
  return found;
}

}  // namespace polyserve
