// LogFloods: what keeps the log short when one place in the source has the same to say again and again, as it has if a
// client wants that. A place may log so many lines in a window of time; the others are left out, and counted. Behind
// the window the log says how many they were.
//
//   lines of a place     x x x x x x x x x        x
//   in the log           x x x                    6 more lines ... left out, x
//                        └─ window of 10 s ─┘
//
// One table is for all processes of a server, since it lies in memory that they share: a model with a process for each
// client logs no more than one with threads. A process may be killed at any point. Any thread; nothing blocks or takes
// a lock, and only TakeReport() allocates.
#ifndef POLYSERVE_BASE_LOG_FLOOD_H_
#define POLYSERVE_BASE_LOG_FLOOD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "base/log_format.h"

namespace polyserve {

// The most lines of a place in a window, at most kMostLines, and the window in milliseconds.
struct FloodLimit {
  int lines;
  int64_t window_ms;
};

// A place in the source. All processes of a server run the same program, so the same place has the same key in them.
struct LogPlace {
  // FNV-1a, a hash that is short to write down; consteval, so that a line that is left out costs no such loop.
  static consteval uint64_t KeyOf(const char* file, int line) {
    uint64_t key = 0xcbf29ce484222325;
    for (; *file != '\0'; ++file) key = (key ^ static_cast<uint8_t>(*file)) * 0x100000001b3;
    key = (key ^ static_cast<uint64_t>(line)) * 0x100000001b3;
    return key == 0 ? 1 : key;
  }

  LogSeverity severity;
  const char* file;
  int line;
  uint64_t key;  // KeyOf(file, line); never 0.
};

// Memory that is all zero is a valid one.
class LogFloods {
 public:
  // How many lines of a place were left out, and where it is: "socket.cc:17".
  struct Report {
    LogSeverity severity;
    std::string source;
    int64_t lines;
  };

  static constexpr int kMostLines = (1 << 20) - 1;

  // True if a line of this place may be logged at this time (in milliseconds of a clock that never goes back, above 0).
  // If false, it is counted. At the first line of a new window `left_out` becomes how many were left out and not
  // reported yet, for the caller to report in front of the line; otherwise 0.
  bool MayLog(const LogPlace& place, const FloodLimit& limit, int64_t now_ms, int64_t& left_out);

  // How many lines were ever left out.
  int64_t total() const { return total_.load(std::memory_order_relaxed); }

  // True if there are lines that no report has counted yet. Cheap: for each line that is logged.
  bool has_left_out() const { return left_out_.load(std::memory_order_relaxed) > 0; }
  // What was left out at a place whose window is over at this time, and was not reported yet: each line is in one
  // report. Nothing if there is no such place. With INT64_MAX windows that are not over count as well.
  std::optional<Report> TakeReport(int64_t now_ms);

 private:
  static constexpr size_t kSourceWords = 4;

  // The end of the window and the lines in it are one number, so that they change together: with two, a line more than
  // the limit could slip in between.
  struct Slot {
    std::atomic<uint64_t> key;
    std::atomic<uint64_t> window;  // Its end in milliseconds, shifted by kLineBits, and how many lines it has.
    std::atomic<int64_t> left_out;
    std::atomic<uint64_t> severity;
    // The name, for reports by other places: a program does not know all of its places. A longer one is cut.
    std::atomic<uint64_t> source[kSourceWords];
  };

  static constexpr int kLineBits = 20;
  // More than the program has places of this kind.
  static constexpr size_t kSlots = 128;

  Slot& SlotOf(uint64_t key);
  static void Describe(const LogPlace& place, Slot& slot);
  int64_t Take(Slot& slot);

  std::atomic<int64_t> total_;
  std::atomic<int64_t> left_out_;  // The sum over all slots.
  Slot slots_[kSlots];
};

}  // namespace polyserve

#endif  // POLYSERVE_BASE_LOG_FLOOD_H_
