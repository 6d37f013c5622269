#include "base/logging.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace polyserve {

namespace {

absl::string_view BaseName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

void InitLogging() { absl::LocalTimeZone(); }

LogLine::LogLine(Severity severity, const char* file, int line, int error) : severity_(severity), error_(error) {
  const int errno_before = errno;
  text_ << static_cast<char>(severity) << absl::FormatTime("%Y%m%d %H:%M:%E6S", absl::Now(), absl::LocalTimeZone())
        << ' ' << ::gettid() << ' ' << BaseName(file) << ':' << line << "] ";
  errno = errno_before;
}

LogLine::~LogLine() {
  const int errno_before = errno;
  if (error_ != 0) text_ << ": " << std::strerror(error_) << " [" << error_ << "]";
  text_ << '\n';
  const std::string line = text_.str();
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  if (severity_ == Severity::FATAL) std::abort();
  errno = errno_before;
}

bool IsTimeAgain(std::atomic<int64_t>& last, double seconds) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const int64_t nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  int64_t before = last.load(std::memory_order_relaxed);
  if (before != 0 && static_cast<double>(nanoseconds - before) < seconds * 1e9) return false;
  return last.compare_exchange_strong(before, nanoseconds);
}

}  // namespace polyserve
