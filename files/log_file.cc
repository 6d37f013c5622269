#include "files/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

constexpr double kSecondsBetweenReports = 10;
constexpr double kSecondsBetweenOpenings = 1;  // Of a file that could not be opened.

// O_NONBLOCK: opening a FIFO does not wait for a reader, nor opening a file for the end of a lease; and if the file
// is a FIFO or a terminal, no write waits.
UniqueFd OpenToAppend(const std::string& path) {
  constexpr int kFlags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  UniqueFd fd(::open(path.c_str(), kFlags));
  // Asked for only if it is needed: with O_CREAT, the system may refuse a FIFO of another user (fs.protected_fifos).
  if (!fd.ok() && errno == ENOENT) fd.reset(::open(path.c_str(), kFlags | O_CREAT, 0644));
  return fd;
}

// Why it could not be opened, from errno.
absl::Status CannotOpen(const std::string& path) {
  const absl::Status status = SysError("open", path);
  struct stat file = {};
  // EWOULDBLOCK of open(2) with O_NONBLOCK: a lease would have to be broken first, which can take lease-break-time (45
  // s).
  if (errno == EAGAIN) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is held by another process (a lease)"));
  }
  // ENXIO stands for both: a FIFO that has no reader, and a socket (open(2)).
  if (errno != ENXIO || ::stat(path.c_str(), &file) != 0) return status;
  if (S_ISFIFO(file.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is a FIFO that no process reads; start its reader first"));
  }
  if (S_ISSOCK(file.st_mode)) return absl::FailedPreconditionError(absl::StrCat(path, " is a socket"));
  return status;
}

}  // namespace

LogFile::LogFile(std::string path, LogHealth& health) : path_(std::move(path)), health_(health) {}

absl::Status LogFile::Open() { return OpenFor(health_.openings); }

// A disk is refused because an append to it would overwrite a file system. The new file takes the old one's number by
// dup3(2): a thread that is just writing writes a whole line to either of them.
absl::Status LogFile::OpenFor(int64_t opening) {
  MutexLock lock(opening_);
  if (opened_for_ == opening) return absl::OkStatus();  // Another thread was quicker.
  UniqueFd fd = OpenToAppend(path_);
  if (!fd.ok()) return CannotOpen(path_);
  struct stat file = {};
  if (::fstat(fd.get(), &file) == 0 && S_ISBLK(file.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path_, " is a disk"));
  }
  if (S_ISREG(file.st_mode)) InspectEnd(opening);
  if (fd_.ok()) {
    if (::dup3(fd.get(), fd_.get(), O_CLOEXEC) < 0) return SysError("dup3", path_);
  } else {
    fd_ = std::move(fd);
    writable_ = fd_.get();
  }
  opened_for_ = opening;
  return absl::OkStatus();
}

// The file may end within a line, of a server that was killed or found the disk full. One process alone looks, the one
// that takes this opening first: the others could find the middle of a line that is just being written.
void LogFile::InspectEnd(int64_t opening) const {
  int64_t inspected = health_.inspected;
  if (inspected > opening || !health_.inspected.compare_exchange_strong(inspected, opening + 1)) return;
  const UniqueFd file(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const off_t size = file.ok() ? ::lseek(file.get(), 0, SEEK_END) : 0;
  char last = '\n';
  if (size > 0 && ::pread(file.get(), &last, 1, size - 1) != 1) last = '\n';
  health_.torn = last == '\n' ? 0 : 1;
}

// If that fails, lines go to the old file, which is better than nowhere; the next try is a second later. The number of
// the opening that failed is kept, so that a newer one is tried at once.
void LogFile::OpenAnew(int64_t opening) {
  if (failed_for_ == opening && !IsTimeAgain(failed_at_, kSecondsBetweenOpenings)) return;
  const absl::Status status = OpenFor(opening);
  if (status.ok()) return;
  IsTimeAgain(failed_at_, 0);
  failed_for_ = opening;
  LOG_EVERY_T(WARNING, kSecondsBetweenReports) << "cannot reopen the log: " << status.message();
}

// Without a lock: each line is one write(2) in append mode, which the kernel does not interleave with others on a local
// file system.
void LogFile::Append(absl::string_view line) {
  const int64_t opening = health_.openings.load(std::memory_order_relaxed);
  if (opened_for_.load(std::memory_order_acquire) != opening) OpenAnew(opening);
  const LineOutput output(writable_, LineOutput::Kind::kAtOnce);
  errno = ENOSPC;  // Of a write that takes only a part.
  if (output.Append(line, health_)) {
    if (health_.unreported.load(std::memory_order_relaxed) > 0) ReportLost();
    return;
  }
  const absl::Status why = SysError("write", path_);
  if (!IsTimeAgain(health_.warned_at, kSecondsBetweenReports)) return;
  LOG(WARNING) << "lines of the log are being lost: " << why.message();
}

// exchange() gives the count to one process, so that the losses of all are reported once, as one number.
void LogFile::ReportLost() {
  if (!IsTimeAgain(health_.reported_at, kSecondsBetweenReports)) return;
  const int64_t lost = health_.unreported.exchange(0);
  if (lost > 0) LOG(WARNING) << path_ << " takes lines again; " << lost << " were lost";
}

void LogFile::Reopen() { ++health_.openings; }

}  // namespace polyserve
