// LOG and CHECK: what a server tells its operator, a line at a time, and what must never happen. The names and the form
// of a line are glog's. glog itself is not used: it keeps 30 KB of memory for each thread, which a thread per client
// pays for each client, and brings along a library that unwinds stacks, which a process per client pays for in page
// faults.
//
//   LOG(WARNING) << "a client is lost: " << status.message();
//   LOG_FLOOD(WARNING) << ...;             for what a client can cause at will: ten in ten seconds, then their number
//   LOG_EVERY_T(WARNING, 10) << ...;       at most one in ten seconds
//   CHECK(n > 0) << "why that cannot be";  ends the process (SIGABRT) if it does not hold, in all builds
//   DCHECK(n > 0);                         the same, in builds for debugging alone
//   PCHECK(::ioctl(...) == 0);             as CHECK, and says what errno means
//
// What is below the severity of LogOptions costs a comparison: it is neither evaluated nor counted.
//
// Any thread. A line is written to standard error at once or not at all: no thread waits for its reader (a pipe that is
// not read, a terminal that is stopped). Lines that are lost are counted, and the log says how many once it takes lines
// again. base/log_format.h says what a line looks like; it has at most kMaxLogLineBytes.
#ifndef POLYSERVE_BASE_LOGGING_H_
#define POLYSERVE_BASE_LOGGING_H_

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <ostream>
#include <sstream>

#include "base/line_output.h"
#include "base/log_flood.h"
#include "base/log_format.h"

namespace polyserve {

// One line, from its construction to its end. Made by the macros below, not by hand.
class LogLine {
 public:
  // With an error number, the line ends with what it means.
  LogLine(LogSeverity severity, const char* file, int line, int error = 0);
  // Appends the line to the log (LineOutput::Append()). Leaves errno as it was. If the severity is FATAL, ends the
  // process (abort(3)).
  ~LogLine();
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;

  // The message, which follows the line's head: severity, time, thread and place.
  std::ostream& text() { return text_; }

 private:
  const LogSeverity severity_;
  const char* const file_;
  const int line_;
  const int error_;
  std::ostringstream text_;
};

// What the log has, and in which form. FATAL is always logged.
struct LogOptions {
  LogSeverity least = LogSeverity::INFO;  // ERROR at most.
  LogFormat format = LogFormat::kText;
};

// From now on, in this process and in all that it forks. Call it before there are other threads.
void SetLogOptions(const LogOptions& options);

// For IsLogged() alone.
inline constinit std::atomic<LogSeverity> g_least_logged{LogSeverity::INFO};

inline bool IsLogged(LogSeverity severity) { return severity >= g_least_logged.load(std::memory_order_relaxed); }

// Call it early in main(): learns the time zone while there is a descriptor to read it with, once for all children, and
// what standard error is. From then on a terminal takes lines from its background, too (SIGTTOU).
void InitLogging();

// Has lines that are lost, and those that are left out of a flood, counted there from now on, rather than in this
// process alone. Both must outlive all threads.
void ShareLog(LogHealth& health, LogFloods& floods);

// Logs how many lines were left out of floods that are not over, too. For the end of a server.
void ReportLeftOutLines();

// For a handler of a signal: logs a warning, of printable ASCII without quotes and backslashes, without a place.
// Async-signal-safe. Changes errno.
void LogInHandler(const char* message);

// Makes a stream an expression without a value, as the other branch of a condition is.
struct LogNothing {
  void operator&(std::ostream&) const {}
};

// True if that many seconds have passed since it was true the last time, and at the first call. If several threads ask
// at the same moment, one of them gets true. `last` belongs to these calls alone: it holds the time of the last true,
// by CLOCK_MONOTONIC, and may be in memory that processes share.
bool IsTimeAgain(std::atomic<int64_t>& last, double seconds);

// How many lines LOG_FLOOD() leaves of each place.
inline constexpr FloodLimit kFloodLimit = {.lines = 10, .window_ms = 10'000};

// Whether a line of this place may be logged; otherwise it is counted. Reports what was left out of an earlier window.
// Leaves errno as it was.
bool MayLogInFlood(const LogPlace& place, const FloodLimit& limit);

}  // namespace polyserve

#define POLYSERVE_LOG_LINE(severity) ::polyserve::LogLine(::polyserve::LogSeverity::severity, __FILE__, __LINE__).text()

#define POLYSERVE_LOG_IF(severity, condition) \
  !(condition) ? (void)0 : ::polyserve::LogNothing() & POLYSERVE_LOG_LINE(severity)

#define POLYSERVE_IS_LOGGED(severity) ::polyserve::IsLogged(::polyserve::LogSeverity::severity)

// The severities are INFO, WARNING, ERROR and FATAL.
#define LOG(severity) POLYSERVE_LOG_IF(severity, POLYSERVE_IS_LOGGED(severity))

// A place's own counter: each lambda has one.
#define POLYSERVE_OWN_COUNTER                  \
  []() -> std::atomic<int64_t>& {              \
    static std::atomic<int64_t> counter = {0}; \
    return counter;                            \
  }()

// The counter is the process's own, one for each place in the source.
#define LOG_EVERY_T(severity, seconds) \
  POLYSERVE_LOG_IF(severity, POLYSERVE_IS_LOGGED(severity) && ::polyserve::IsTimeAgain(POLYSERVE_OWN_COUNTER, seconds))

// The counters are those of ShareLog(): of all processes of the server.
#define LOG_FLOOD(severity) LOG_FLOOD_UP_TO(severity, ::polyserve::kFloodLimit)
#define LOG_FLOOD_UP_TO(severity, limit)                                                                             \
  POLYSERVE_LOG_IF(severity, POLYSERVE_IS_LOGGED(severity) &&                                                        \
                                 ::polyserve::MayLogInFlood({::polyserve::LogSeverity::severity, __FILE__, __LINE__, \
                                                             ::polyserve::LogPlace::KeyOf(__FILE__, __LINE__)},      \
                                                            limit))

// For what no input can bring about. What a peer sends, or the system refuses, is an absl::Status instead.
#define CHECK(condition) POLYSERVE_LOG_IF(FATAL, !(condition)) << "Check failed: " #condition " "
#ifdef NDEBUG
#define DCHECK(condition) CHECK(true || (condition))
#else
#define DCHECK(condition) CHECK(condition)
#endif
#define CHECK_EQ(a, b) CHECK((a) == (b))
#define CHECK_LE(a, b) CHECK((a) <= (b))
#define PCHECK(condition)                                                                                   \
  (condition) ? (void)0                                                                                     \
              : ::polyserve::LogNothing() &                                                                 \
                    ::polyserve::LogLine(::polyserve::LogSeverity::FATAL, __FILE__, __LINE__, errno).text() \
                        << "Check failed: " #condition " "

#endif  // POLYSERVE_BASE_LOGGING_H_
