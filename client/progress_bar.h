// ProgressBar: shows on standard error how far a transfer is, if that is a terminal; elsewhere it is silent.
#ifndef POLYSERVE_CLIENT_PROGRESS_BAR_H_
#define POLYSERVE_CLIENT_PROGRESS_BAR_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace polyserve {

class ProgressBar {
 public:
  // Shows nothing before the first Show(). `quiet`: nothing at all.
  ProgressBar(absl::string_view label, bool quiet);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  // Leaves the bar as it was last and goes to the next line.
  ~ProgressBar();

  // Draws if the last drawing is at least 100 ms old, and at the end; cheap otherwise.
  void Show(int64_t done, int64_t total);

 private:
  const std::string label_;
  const bool shows_;
  using Clock = std::chrono::steady_clock;  // A clock that is set must not stop the bar, or turn it back.
  const Clock::time_point start_ = Clock::now();
  Clock::time_point next_draw_ = start_;
  bool drawn_ = false;
};

// The bar as text of at most `columns`, without a line end: label, percent, a bar of '=' if there is room, sizes,
// rate and the time left, of which the narrow terminal gets the first that fit. `label` must be printable.
std::string RenderProgress(absl::string_view label, int64_t done, int64_t total, absl::Duration elapsed,
                           size_t columns);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_PROGRESS_BAR_H_
