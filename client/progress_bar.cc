#include "client/progress_bar.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/printable.h"
#include "client/format.h"

namespace polyserve {

namespace {

// Often enough to look steady, and too seldom for a slow terminal to delay the transfer.
constexpr auto kBetweenDrawings = std::chrono::milliseconds(100);
// A longer label is cut off. A bar with more columns tells no more; one with fewer tells too little.
constexpr size_t kMaxLabelColumns = 30;
constexpr size_t kMaxBarColumns = 40;
constexpr size_t kMinBarColumns = 8;

// Asked for each time, since a window may be made smaller. 80 if the terminal does not know, as on a serial line.
size_t TerminalColumns() {
  winsize size = {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

// While nothing has arrived the rate is 0 and the time left infinite, which HumanTime() shows as unknown.
std::string RenderNumbers(int64_t done, int64_t total, absl::Duration elapsed, int64_t at_start) {
  const double seconds = absl::ToDoubleSeconds(elapsed);
  const double rate = seconds > 0 ? static_cast<double>(done - at_start) / seconds : 0;
  const absl::Duration left =
      rate > 0 ? absl::Seconds(static_cast<double>(total - done) / rate) : absl::InfiniteDuration();
  return absl::StrFormat("%10s of %s  %.1f MiB/s  %s", HumanSize(done), HumanSize(total), rate / (1024 * 1024),
                         done < total ? absl::StrCat(HumanTime(left), " left") : absl::StrCat(HumanTime(elapsed)));
}

std::string RenderBar(double fraction, size_t columns) {
  const size_t filled = std::min(columns, static_cast<size_t>(fraction * static_cast<double>(columns)));
  return absl::StrCat("[", std::string(filled, '='), std::string(columns - filled, ' '), "]");
}

}  // namespace

// The label gets its room before the bar does: it tells several transfers apart. Each part is added only if a blank
// fits behind it.
std::string RenderProgress(absl::string_view label, int64_t done, int64_t total, absl::Duration elapsed, size_t columns,
                           int64_t at_start) {
  // An empty file is complete, not undefined.
  const double fraction = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1;
  // Cut off, not rounded: 100 % must not be shown before the end.
  const std::string percent = absl::StrFormat("%3d%%", static_cast<int>(fraction * 100));
  const std::string numbers = RenderNumbers(done, total, elapsed, at_start);
  if (percent.size() > columns) return "";
  if (percent.size() + 1 + numbers.size() > columns) return percent;

  // Columns, not bytes, from here on: a name may have characters of several bytes and of two columns.
  size_t room = columns - percent.size() - 1 - numbers.size();
  std::string text;
  const absl::string_view fitting = FitColumns(label, std::min(room, kMaxLabelColumns + 1) - (room > 0 ? 1 : 0));
  if (!fitting.empty()) {
    text = absl::StrCat(fitting, " ");
    room -= Columns(text);
  }
  absl::StrAppend(&text, percent, " ");
  // Three columns beside the bar itself: two brackets and a blank.
  if (room >= kMinBarColumns + 3) absl::StrAppend(&text, RenderBar(fraction, std::min(room - 3, kMaxBarColumns)), " ");
  return absl::StrCat(text, numbers);
}

ProgressBar::ProgressBar(absl::string_view label, bool quiet)
    : label_(Printable(label)), shows_(!quiet && ::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (drawn_) fputs("\n", stderr);
}

void ProgressBar::Show(int64_t done, int64_t total) {
  if (!shows_) return;
  const Clock::time_point now = Clock::now();
  if (at_start_ < 0) {
    at_start_ = done;
    start_ = now;
  }
  // The last drawing is never skipped: without it the line would stay at 97 % for good.
  if (now < next_draw_ && done < total) return;
  next_draw_ = now + kBetweenDrawings;
  drawn_ = true;
  // One column stays free: a cursor behind the last one would wrap on some terminals.
  const std::string text =
      RenderProgress(label_, done, total, absl::FromChrono(now - start_), TerminalColumns() - 1, at_start_);
  absl::FPrintF(stderr, "\r%s\033[K", text);  // "ESC [ K" clears what a longer drawing has left behind.
}

}  // namespace polyserve
