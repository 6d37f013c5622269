#include "base/logging.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/printable.h"

namespace polyserve {

namespace {

// Bazel compiles from the root of the workspace, so __FILE__ has the folders as well.
absl::string_view BaseName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? path : path.substr(slash + 1);
}

// A reader that takes a line now and then must not get a report of losses behind each of them.
constexpr double kSecondsBetweenReports = 1;
constexpr absl::string_view kCutMark = " ...\n";

// Before InitLogging() it is unknown what standard error is, so it is polled.
constinit LineOutput g_standard_error{STDERR_FILENO, LineOutput::Kind::kPolled};
constinit LogHealth g_own_health;
constinit std::atomic<LogHealth*> g_health{&g_own_health};

// The head of a line in the form of glog: "W20240131 23:59:59.123456 4711 socket.cc:17] ".
std::string Prefix(LogLine::Severity severity, const char* file, int line) {
  return absl::StrCat(std::string(1, static_cast<char>(severity)),
                      absl::FormatTime("%Y%m%d %H:%M:%E6S", absl::Now(), absl::LocalTimeZone()), " ", ::gettid(), " ",
                      BaseName(file), ":", line, "] ");
}

// Says how many lines were lost, in a log that has just taken one again. If the report itself is lost, the count is put
// back, so that a later report has it. Calls Write() rather than Append(): a lost report is no lost line.
void ReportLost(LogHealth& health) {
  if (!IsTimeAgain(health.reported_at, kSecondsBetweenReports)) return;
  const int64_t lost = health.unreported.exchange(0);
  if (lost == 0) return;
  const std::string report = absl::StrCat(Prefix(LogLine::Severity::WARNING, __FILE__, __LINE__), lost,
                                          " lines of this log were lost: it took no more\n");
  if (!g_standard_error.Write(report, health)) health.unreported.fetch_add(lost);
}

}  // namespace

void InitLogging() {
  // Abseil reads the zone's file once and keeps it: a first line that is logged because no descriptor is left needs
  // none. A terminal with TOSTOP set stops a background process that writes to it, by SIGTTOU (termios(3)).
  absl::LocalTimeZone();
  ::signal(SIGTTOU, SIG_IGN);
  g_standard_error = LineOutput::Own(STDERR_FILENO);
}

void CountLostLinesIn(LogHealth& health) { g_health = &health; }

LogLine::LogLine(Severity severity, const char* file, int line, int error) : severity_(severity), error_(error) {
  const int errno_before = errno;
  text_ << Prefix(severity, file, line);
  errno = errno_before;
}

// errno is kept for the caller: a line is often logged between a failed call and the code that looks at errno.
LogLine::~LogLine() {
  const int errno_before = errno;
  if (error_ != 0) text_ << ": " << std::strerror(error_) << " [" << error_ << "]";
  // What a peer sent must neither forge a line nor command the terminal that shows it.
  std::string line = Printable(text_.str()) + '\n';
  if (line.size() > kMaxLogLineBytes) {
    line.resize(kMaxLogLineBytes - kCutMark.size());
    absl::StrAppend(&line, kCutMark);
  }
  LogHealth& health = *g_health.load(std::memory_order_relaxed);
  // One write for the whole line, so that lines of other threads and processes do not come within it.
  const bool is_whole = g_standard_error.Append(line, health);
  if (is_whole && health.unreported.load(std::memory_order_relaxed) > 0) ReportLost(health);
  // Not exit(3): destructors and exit handlers would run in a state that was just found to be impossible, perhaps with
  // locks held. With abort(3) a core file, if the system writes one, has the stack of the fault.
  if (severity_ == Severity::FATAL) std::abort();
  errno = errno_before;
}

bool IsTimeAgain(std::atomic<int64_t>& last, double seconds) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const int64_t nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  // Of several threads that find the time come, the one whose exchange succeeds gets true. Zero means never: the clock
  // counts from boot, so it is past zero.
  int64_t before = last.load(std::memory_order_relaxed);
  if (before != 0 && static_cast<double>(nanoseconds - before) < seconds * 1e9) return false;
  return last.compare_exchange_strong(before, nanoseconds);
}

}  // namespace polyserve
