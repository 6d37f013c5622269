#include "files/log_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

#include "base/sys_error.h"
#include "glog/logging.h"

namespace polyserve {

namespace {

void* MapShared(size_t size) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  PCHECK(memory != MAP_FAILED) << "mmap";
  return memory;
}

}  // namespace

LogFile::LogFile(std::string path) : path_(std::move(path)), shared_(new (MapShared(sizeof(Shared))) Shared) {}

LogFile::~LogFile() { ::munmap(shared_, sizeof(Shared)); }

absl::Status LogFile::Open() { return OpenFor(shared_->openings); }

absl::Status LogFile::OpenFor(uint32_t opening) {
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
  const uint32_t opening = shared_->openings.load(std::memory_order_relaxed);
  if (opened_for_.load(std::memory_order_acquire) != opening) {
    if (absl::Status status = OpenFor(opening); !status.ok()) NoteFailure(status);  // Better the old file than none.
  }
  const int fd = writable_;
  if (fd < 0) return;
  const ssize_t written = ::write(fd, line.data(), line.size());
  if (written < 0) NoteFailure(SysError("write", path_));
}

void LogFile::NoteFailure(const absl::Status& why) {
  if (shared_->has_failed.exchange(true)) return;
  LOG(WARNING) << "lines are lost of the log: " << why.message();
}

void LogFile::Reopen() {
  shared_->has_failed = false;
  ++shared_->openings;
}

}  // namespace polyserve
