#include "base/logging.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace polyserve {

namespace {

// A reader that takes a line now and then must not get a report of losses behind each of them.
constexpr double kSecondsBetweenReports = 1;

// Before InitLogging() it is unknown what standard error is, so it is polled.
constinit LineOutput g_standard_error{STDERR_FILENO, LineOutput::Kind::kPolled};
constinit LogHealth g_own_health;
constinit std::atomic<LogHealth*> g_health{&g_own_health};
constinit LogFloods g_own_floods;
constinit std::atomic<LogFloods*> g_floods{&g_own_floods};
constinit std::atomic<LogFormat> g_format{LogFormat::kText};

int64_t SteadyNanoseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

int64_t SteadyMilliseconds() { return SteadyNanoseconds() / 1'000'000; }

LogHealth& Health() { return *g_health.load(std::memory_order_relaxed); }

std::string LineOf(const LogRecord& record) { return LogLineOf(g_format.load(std::memory_order_relaxed), record); }

// Says how many lines were lost, in a log that has just taken one again. If the report itself is lost, the count is put
// back, so that a later report has it. Calls Write() rather than Append(): a lost report is no lost line.
void ReportLost(LogHealth& health) {
  if (!IsLogged(LogSeverity::WARNING) || !IsTimeAgain(health.reported_at, kSecondsBetweenReports)) return;
  const int64_t lost = health.unreported.exchange(0);
  if (lost == 0) return;
  const std::string source = SourceOf(__FILE__, __LINE__);
  const std::string message = absl::StrCat(lost, " lines of this log were lost: it took no more");
  if (!g_standard_error.Write(LineOf({LogSeverity::WARNING, source, message}), health)) {
    health.unreported.fetch_add(lost);
  }
}

// In the name of the place and with its severity, so that a search for its lines finds the report as well.
void ReportLeftOut(const LogFloods::Report& report) {
  const std::string message =
      absl::StrCat("left out of a flood: ", report.lines, report.lines == 1 ? " line" : " lines", " like this one");
  g_standard_error.Append(LineOf({report.severity, report.source, message}), Health());
}

void ReportLeftOutUntil(int64_t now_ms) {
  LogFloods& floods = *g_floods.load(std::memory_order_relaxed);
  while (floods.has_left_out()) {
    const std::optional<LogFloods::Report> report = floods.TakeReport(now_ms);
    if (!report.has_value()) return;
    ReportLeftOut(*report);
  }
}

}  // namespace

void InitLogging() {
  // Abseil reads the zone's file once and keeps it: a first line that is logged because no descriptor is left needs
  // none. A terminal with TOSTOP set stops a background process that writes to it, by SIGTTOU (termios(3)).
  absl::LocalTimeZone();
  ::signal(SIGTTOU, SIG_IGN);
  g_standard_error = LineOutput::Own(STDERR_FILENO);
}

void SetLogOptions(const LogOptions& options) {
  g_least_logged = options.least;
  g_format = options.format;
}

void ShareLog(LogHealth& health, LogFloods& floods) {
  g_health = &health;
  g_floods = &floods;
}

void ReportLeftOutLines() { ReportLeftOutUntil(std::numeric_limits<int64_t>::max()); }

// By poll(2) and write(2) themselves: LineOutput may allocate.
void LogInHandler(const char* message) {
  if (!IsLogged(LogSeverity::WARNING)) return;
  char line[256];
  size_t size = 0;
  if (g_format.load(std::memory_order_relaxed) == LogFormat::kJson) {
    size = WriteJsonLineInHandler(message, line, sizeof(line));
  } else {
    for (const char* const text : {"polyserve: ", message, "\n"}) {
      const absl::string_view part = text;
      if (sizeof(line) - size < part.size()) return;
      std::memcpy(line + size, part.data(), part.size());
      size += part.size();
    }
  }
  pollfd error_output = {STDERR_FILENO, POLLOUT, 0};  // A pipe that is not read must not hold us here.
  if (::poll(&error_output, 1, 0) != 1) return;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line, size);
}

LogLine::LogLine(LogSeverity severity, const char* file, int line, int error)
    : severity_(severity), file_(file), line_(line), error_(error) {}

// errno is kept for the caller: a line is often logged between a failed call and the code that looks at errno.
LogLine::~LogLine() {
  const int errno_before = errno;
  if (error_ != 0) text_ << ": " << std::strerror(error_) << " [" << error_ << "]";
  LogHealth& health = Health();
  // One write for the whole line, so that lines of other threads and processes do not come within it.
  const std::string source = SourceOf(file_, line_), message = text_.str();
  const bool is_whole = g_standard_error.Append(LineOf({severity_, source, message}), health);
  if (is_whole && health.unreported.load(std::memory_order_relaxed) > 0) ReportLost(health);
  // A flood may have ended without a further line of its own, so each line looks.
  if (g_floods.load(std::memory_order_relaxed)->has_left_out()) ReportLeftOutUntil(SteadyMilliseconds());
  // Not exit(3): destructors and exit handlers would run in a state that was just found to be impossible, perhaps with
  // locks held. With abort(3) a core file, if the system writes one, has the stack of the fault.
  if (severity_ == LogSeverity::FATAL) std::abort();
  errno = errno_before;
}

bool MayLogInFlood(const LogPlace& place, const FloodLimit& limit) {
  const int errno_before = errno;
  int64_t left_out = 0;
  LogFloods& floods = *g_floods.load(std::memory_order_relaxed);
  const bool may_log = floods.MayLog(place, limit, SteadyMilliseconds(), left_out);
  if (left_out > 0) ReportLeftOut({place.severity, SourceOf(place.file, place.line), left_out});
  errno = errno_before;
  return may_log;
}

bool IsTimeAgain(std::atomic<int64_t>& last, double seconds) {
  const int64_t nanoseconds = SteadyNanoseconds();
  // Of several threads that find the time come, the one whose exchange succeeds gets true. Zero means never: the clock
  // counts from boot, so it is past zero.
  int64_t before = last.load(std::memory_order_relaxed);
  if (before != 0 && static_cast<double>(nanoseconds - before) < seconds * 1e9) return false;
  return last.compare_exchange_strong(before, nanoseconds);
}

}  // namespace polyserve
