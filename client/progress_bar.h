// ProgressBar: shows the progress of a transfer on standard error if that is a terminal; otherwise it does nothing. So
// scripts and logs get no control characters. Call Show() as often as you like; most calls only read the clock.
#ifndef POLYSERVE_CLIENT_PROGRESS_BAR_H_
#define POLYSERVE_CLIENT_PROGRESS_BAR_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace polyserve {

// Writes to standard error, so that output and progress do not mix. Threads: one at a time.
//
//   a.iso  25% [====               ]    1.0 MiB of 4.0 MiB  0.5 MiB/s  0:06 left
class ProgressBar {
 public:
  // Draws nothing before the first Show(); nothing at all if `quiet`. `label` is made printable.
  ProgressBar(absl::string_view label, bool quiet);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  // Leaves the last drawing on the screen, and moves to the next line.
  ~ProgressBar();

  // The first call says what was there at the start: the rate is of what has come since. Draws if the last drawing is
  // at least 100 ms old or the transfer is complete; otherwise returns at once. Both counts are in bytes; `total` may
  // change between calls. Not thread-safe: FetchInParts() and BackUp() call it under a lock.
  void Show(int64_t done, int64_t total);

 private:
  const std::string label_;
  const bool shows_;
  using Clock = std::chrono::steady_clock;  // Setting the system's clock must not stop the bar.
  Clock::time_point start_ = Clock::now();  // From the first Show() on, when that was.
  Clock::time_point next_draw_ = start_;
  bool drawn_ = false;
  int64_t at_start_ = -1;  // Bytes; -1 before the first Show().
};

// The bar as text of at most `columns`, without a line end: label, percentage, a bar of '=', sizes, rate and the time
// left. A narrow terminal gets the percentage alone, or nothing below four columns; with more room come the numbers,
// then the label, then the bar. `done` and `total` are in bytes. The rate is the average since the start: it moves less
// than the present one, and so does the time left. At the end the time left gives way to the time it took.
// Of the bytes that are done, `at_start` were there before, and do not count for the rate. REQUIRES: a printable label.
std::string RenderProgress(absl::string_view label, int64_t done, int64_t total, absl::Duration elapsed, size_t columns,
                           int64_t at_start = 0);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_PROGRESS_BAR_H_
