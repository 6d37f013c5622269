#include "base/log_format.h"

#include <time.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/line_output.h"
#include "base/printable.h"

namespace polyserve {

namespace {

constexpr absl::string_view kCutMark = " ...";
constexpr absl::string_view kNames[] = {"INFO", "WARNING", "ERROR", "FATAL"};

absl::string_view NameOf(LogSeverity severity) { return kNames[static_cast<size_t>(severity)]; }

std::string TextOf(const LogRecord& record) {
  const absl::string_view letter = NameOf(record.severity).substr(0, 1);
  std::string line = absl::StrCat(letter, absl::FormatTime("%Y%m%d %H:%M:%E6S", absl::Now(), absl::LocalTimeZone()),
                                  " ", ::gettid(), " ", record.source, "] ", Printable(record.message), "\n");
  if (line.size() > kMaxLogLineBytes) {
    line.resize(kMaxLogLineBytes - kCutMark.size() - 1);
    absl::StrAppend(&line, kCutMark, "\n");
  }
  return line;
}

// The message is cut, not the line: an object without its end would be none.
std::string JsonOf(const LogRecord& record) {
  constexpr absl::string_view kEnd = "\"}\n";
  std::string line =
      absl::StrCat(R"({"time":")", absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(), absl::UTCTimeZone()),
                   R"(","severity":")", NameOf(record.severity), R"(","pid":)", ::getpid(), R"(,"tid":)", ::gettid(),
                   R"(,"source":")", record.source, R"(","message":")");
  line += JsonEscaped(record.message, kMaxLogLineBytes - line.size() - kEnd.size(), kCutMark);
  absl::StrAppend(&line, kEnd);
  return line;
}

// Appends texts and numbers to a buffer, without an allocation.
class HandlerText {
 public:
  HandlerText(char* text, size_t capacity) : text_(text), capacity_(capacity) {}

  void Append(absl::string_view part) {
    is_full_ = is_full_ || capacity_ - size_ < part.size();
    if (is_full_) return;
    std::memcpy(text_ + size_, part.data(), part.size());
    size_ += part.size();
  }

  // With leading zeroes up to this many digits.
  void AppendNumber(int64_t number, size_t digits = 1) {
    char reversed[20];
    size_t count = 0;
    while (number > 0 || count < digits) {
      reversed[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    }
    while (count > 0) Append(absl::string_view(&reversed[--count], 1));
  }

  size_t size() const { return is_full_ ? 0 : size_; }

 private:
  char* const text_;
  const size_t capacity_;
  size_t size_ = 0;
  bool is_full_ = false;
};

}  // namespace

std::string LogLineOf(LogFormat format, const LogRecord& record) {
  return format == LogFormat::kJson ? JsonOf(record) : TextOf(record);
}

// Bazel compiles from the root of the workspace, so __FILE__ has the folders as well.
std::string SourceOf(const char* file, int line) {
  const absl::string_view path = file;
  const size_t slash = path.rfind('/');
  return absl::StrCat(slash == absl::string_view::npos ? path : path.substr(slash + 1), ":", line);
}

// clock_gettime(2) is async-signal-safe, and so is the arithmetic of absl::CivilSecond; absl::FormatTime() is not.
size_t WriteJsonLineInHandler(const char* message, char* line, size_t capacity) {
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const absl::CivilSecond time = absl::CivilSecond(1970, 1, 1) + now.tv_sec;
  HandlerText text(line, capacity);
  text.Append(R"({"time":")");
  text.AppendNumber(time.year(), 4);
  text.Append("-");
  text.AppendNumber(time.month(), 2);
  text.Append("-");
  text.AppendNumber(time.day(), 2);
  text.Append("T");
  text.AppendNumber(time.hour(), 2);
  text.Append(":");
  text.AppendNumber(time.minute(), 2);
  text.Append(":");
  text.AppendNumber(time.second(), 2);
  text.Append(".");
  text.AppendNumber(now.tv_nsec / 1000, 6);
  text.Append(R"(Z","severity":"WARNING","pid":)");
  text.AppendNumber(::getpid());
  text.Append(R"(,"message":")");
  text.Append(message);
  text.Append("\"}\n");
  return text.size();
}

}  // namespace polyserve
