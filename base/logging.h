// LOG and CHECK: what a server tells its operator, a line at a time, and what must never happen. The names and the form
// of a line are glog's. glog itself is not used: it keeps 30 KB of memory for each thread, which a thread per client
// pays for each client, and brings along a library that unwinds stacks, which a process per client pays for in page
// faults.
//
//   LOG(WARNING) << "a client is lost: " << status.message();
//   LOG_EVERY_N(WARNING, 100) << ...;      the first one, and then one in a hundred
//   LOG_EVERY_T(WARNING, 10) << ...;       at most one in ten seconds
//   CHECK(n > 0) << "why that cannot be";  ends the process (SIGABRT) if it does not hold, in all builds
//   DCHECK(n > 0);                         the same, in builds for debugging alone
//   PCHECK(::ioctl(...) == 0);             as CHECK, and says what errno means
//
// Any thread. A line is written to standard error at once or not at all: no thread waits for its reader (a pipe that is
// not read, a terminal that is stopped). Lines that are lost are counted, and the log says how many once it takes lines
// again. A line has at most kMaxLogLineBytes.
#ifndef POLYSERVE_BASE_LOGGING_H_
#define POLYSERVE_BASE_LOGGING_H_

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <ostream>
#include <sstream>

#include "base/line_output.h"

namespace polyserve {

// One line, from its construction to its end. Made by the macros below, not by hand.
class LogLine {
 public:
  enum class Severity : char { INFO = 'I', WARNING = 'W', ERROR = 'E', FATAL = 'F' };

  // Writes the head of the line into text(). With an error number, the line ends with what it means.
  LogLine(Severity severity, const char* file, int line, int error = 0);
  // Appends the line to the log (LineOutput::Append()), with everything escaped that is not Printable(). Leaves errno
  // as it was. If the severity is FATAL, ends the process (abort(3)).
  ~LogLine();
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;

  // What follows the line's head: severity, time, thread and place.
  std::ostream& text() { return text_; }

 private:
  const Severity severity_;
  const int error_;
  std::ostringstream text_;
};

// Call it early in main(): learns the time zone while there is a descriptor to read it with, once for all children, and
// what standard error is. From then on a terminal takes lines from its background, too (SIGTTOU).
void InitLogging();

// Has lost lines counted there from now on, rather than in this process alone; it must outlive all threads.
void CountLostLinesIn(LogHealth& health);

// Makes a stream an expression without a value, as the other branch of a condition is.
struct LogNothing {
  void operator&(std::ostream&) const {}
};

// Counts calls: true for the first one, and each n-th after it.
inline bool IsEveryNth(std::atomic<int64_t>& calls, int64_t n) {
  return calls.fetch_add(1, std::memory_order_relaxed) % n == 0;
}

// True if that many seconds have passed since it was true the last time, and at the first call. If several threads ask
// at the same moment, one of them gets true. `last` belongs to these calls alone: it holds the time of the last true,
// by CLOCK_MONOTONIC, and may be in memory that processes share.
bool IsTimeAgain(std::atomic<int64_t>& last, double seconds);

}  // namespace polyserve

// The severities are INFO, WARNING, ERROR and FATAL.
#define LOG(severity) ::polyserve::LogLine(::polyserve::LogLine::Severity::severity, __FILE__, __LINE__).text()

#define POLYSERVE_LOG_IF(severity, condition) !(condition) ? (void)0 : ::polyserve::LogNothing() & LOG(severity)

// A place's own counter: each lambda has one.
#define POLYSERVE_OWN_COUNTER                  \
  []() -> std::atomic<int64_t>& {              \
    static std::atomic<int64_t> counter = {0}; \
    return counter;                            \
  }()

// The counters are the process's own, one for each place in the source.
#define LOG_EVERY_N(severity, n) LOG_IF_EVERY_N(severity, true, n)
#define LOG_IF_EVERY_N(severity, condition, n) \
  POLYSERVE_LOG_IF(severity, (condition) && ::polyserve::IsEveryNth(POLYSERVE_OWN_COUNTER, n))
#define LOG_EVERY_T(severity, seconds) \
  POLYSERVE_LOG_IF(severity, ::polyserve::IsTimeAgain(POLYSERVE_OWN_COUNTER, seconds))

// For what no input can bring about. What a peer sends, or the system refuses, is an absl::Status instead.
#define CHECK(condition) POLYSERVE_LOG_IF(FATAL, !(condition)) << "Check failed: " #condition " "
#ifdef NDEBUG
#define DCHECK(condition) CHECK(true || (condition))
#else
#define DCHECK(condition) CHECK(condition)
#endif
#define CHECK_EQ(a, b) CHECK((a) == (b))
#define CHECK_LE(a, b) CHECK((a) <= (b))
#define PCHECK(condition)                                                                                         \
  (condition) ? (void)0                                                                                           \
              : ::polyserve::LogNothing() &                                                                       \
                    ::polyserve::LogLine(::polyserve::LogLine::Severity::FATAL, __FILE__, __LINE__, errno).text() \
                        << "Check failed: " #condition " "

#endif  // POLYSERVE_BASE_LOGGING_H_
