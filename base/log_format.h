// The form of the log's lines: one for people, which is glog's, or an object of JSON for programs.
//
//   W20240131 23:59:59.123456 4711 socket.cc:17] no descriptor is left
//   {"time":"2024-01-31T22:59:59.123456Z","severity":"WARNING","pid":4700,"tid":4711,"source":"socket.cc:17",
//    "message":"no descriptor is left"}                                                          (in one line)
//
// The text has the local time and the thread; the object has the time of RFC 3339 in UTC. What a peer sent can neither
// forge a line nor command the terminal that shows it: the text has it as Printable(), the object with the escapes of
// JSON, so that a reader of the object gets the message back, except for bytes that are not UTF-8: those become U+FFFD.
// No line is longer than kMaxLogLineBytes, its end included: a longer message is cut, and ends with " ...".
//
// Pure functions of their arguments, the clock, the process and the thread; for any thread.
#ifndef POLYSERVE_BASE_LOG_FORMAT_H_
#define POLYSERVE_BASE_LOG_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// In the order of their weight. The names are those of the macros in base/logging.h.
enum class LogSeverity : uint8_t { INFO, WARNING, ERROR, FATAL };

enum class LogFormat : uint8_t { kText, kJson };

// A line before it has a form. Refers to texts of the caller.
struct LogRecord {
  LogSeverity severity;
  absl::string_view source;  // "socket.cc:17".
  absl::string_view message;
};

// The line, with its end; the time is now, the process and the thread are the caller's.
std::string LogLineOf(LogFormat format, const LogRecord& record);

// The file's name without its folders, and the line: "socket.cc:17".
std::string SourceOf(const char* file, int line);

// The same for a signal handler, which may not allocate (signal-safety(7)): writes an object of JSON with the time, a
// severity of WARNING, the process and the message into `line`, and returns its size; 0 if it does not fit. The message
// is printable ASCII without quotes and backslashes.
size_t WriteJsonLineInHandler(const char* message, char* line, size_t capacity);

}  // namespace polyserve

#endif  // POLYSERVE_BASE_LOG_FORMAT_H_
