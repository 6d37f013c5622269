// LineOutput: a descriptor that a log is written to, a line at a time, whatever it is: a file, a pipe, a FIFO, a
// terminal, a socket. A write never waits for the reader of any of these. A line that does not fit at once is lost and
// counted; a line is whole in the log, or it is cut off and followed by a line break, and counted as lost as well.
//
// No inherited descriptor is set O_NONBLOCK, because all processes that hold the same open file share that flag: a pipe
// or a terminal is opened once more instead (Own()). If the system refuses that, each write is preceded by a poll(2);
// then a write can wait, but only if another process fills the pipe between the two calls.
//
// Limit: a regular file cannot be polled, so a file system that hangs (a network file system, a broken disk) blocks its
// writers.
#ifndef POLYSERVE_BASE_LINE_OUTPUT_H_
#define POLYSERVE_BASE_LINE_OUTPUT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace polyserve {

// What the processes that write to one log share. Memory that is all zero is a valid one.
struct LogHealth {
  std::atomic<int64_t> lost{0};         // Lines that are not in the log, or not whole.
  std::atomic<int64_t> unreported{0};   // Of these, the ones that no report has counted yet.
  std::atomic<int64_t> warned_at{0};    // When the last warning of losses was logged, for IsTimeAgain(),
  std::atomic<int64_t> reported_at{0};  // and when the last report of their number.
  std::atomic<int64_t> torn{0};         // 1: the log ends with a part of a line.
  std::atomic<int64_t> openings{0};     // How often an opening by name was asked for; see LogFile.
  std::atomic<int64_t> inspected{0};    // The number of the last opening, plus one, that has inspected its end.
};

// Lines up to this size are written to a pipe whole or not at all (PIPE_BUF), so longer ones should be cut.
constexpr size_t kMaxLogLineBytes = 4096;

// A value that borrows a descriptor: copy it freely.
class LineOutput {
 public:
  // What a write to the descriptor may do.
  enum class Kind {
    kAtOnce,  // It never waits: a regular file, or an open file that is O_NONBLOCK and ours alone.
    kSocket,  // Told with each call not to wait.
    kPolled,  // It may wait, unless poll(2) says otherwise.
  };

  // Borrows the descriptor, which must outlive it.
  constexpr LineOutput(int fd, Kind kind) : fd_(fd), kind_(kind) {}
  // For a descriptor that other processes may hold, such as standard output: finds out what it is, and, if it could
  // block, replaces the open file behind it by one of our own. Call it before there are threads. Never fails: the worst
  // that it returns is kPolled.
  static LineOutput Own(int fd);

  // Writes a line, its end included. False if it is lost; then it is counted in `health`. Any thread, any process; does
  // not block. A line longer than kMaxLogLineBytes may mix with those of other processes.
  bool Append(absl::string_view line, LogHealth& health) const;
  // The same, without counting.
  bool Write(absl::string_view line, LogHealth& health) const;

 private:
  int64_t WriteSome(absl::string_view bytes) const;

  int fd_;
  Kind kind_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BASE_LINE_OUTPUT_H_
