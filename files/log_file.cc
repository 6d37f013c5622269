#include "files/log_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/logging.h"
#include "base/sys_error.h"

namespace polyserve {

LogFile::LogFile(std::string path, std::atomic<int64_t>& openings, std::atomic<int64_t>& lost_lines)
    : path_(std::move(path)), openings_(openings), lost_lines_(lost_lines) {}

absl::Status LogFile::Open() { return OpenFor(openings_); }

absl::Status LogFile::OpenFor(int64_t opening) {
  MutexLock lock(opening_);
  if (opened_for_ == opening) return absl::OkStatus();  // Another thread was quicker.
  UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.ok()) return SysError("open", path_);
  if (fd_.ok()) {
    if (::dup3(fd.get(), fd_.get(), O_CLOEXEC) < 0) return SysError("dup3", path_);
  } else {
    fd_ = std::move(fd);
    writable_ = fd_.get();
  }
  opened_for_ = opening;
  return absl::OkStatus();
}

void LogFile::Append(absl::string_view line) {
  const int64_t opening = openings_.load(std::memory_order_relaxed);
  if (opened_for_.load(std::memory_order_acquire) != opening) {
    const absl::Status status = OpenFor(opening);
    LOG_IF_EVERY_N(WARNING, !status.ok(), 1000) << "the log cannot be opened anew: " << status.message();
  }
  const int fd = writable_;  // Where there is no new file, the old one: better than none.
  if (::write(fd, line.data(), line.size()) < 0) NoteLoss(SysError("write", path_));
}

void LogFile::NoteLoss(const absl::Status& why) {
  if (lost_lines_.fetch_add(1) > 0) return;
  LOG(WARNING) << "lines of the log are lost: " << why.message();
}

void LogFile::Reopen() { ++openings_; }

}  // namespace polyserve
