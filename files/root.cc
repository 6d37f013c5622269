#include "files/root.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

UniqueFd OpenDirectory(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

// The path in a form that means the same later, when the current directory may be another one.
std::string Absolute(const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  // By the links in PWD, which lead to the new folder once they are switched; getcwd(3) knows the old one alone.
  const std::unique_ptr<char, void (*)(void*)> current(::get_current_dir_name(), &::free);
  return current == nullptr ? path : absl::StrCat(current.get(), "/", path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Root>> Root::Open(const std::string& path) {
  UniqueFd fd = OpenDirectory(path);
  if (!fd.ok()) return SysError("cannot use the root directory", path);
  return std::unique_ptr<Root>(new Root(Absolute(path), std::move(fd), true));
}

// Until it knows better, a descriptor that nothing can be found beneath.
absl::StatusOr<std::unique_ptr<Root>> Root::OfServer(const std::string& path) {
  UniqueFd nothing(::open("/dev/null", O_PATH | O_CLOEXEC));
  if (!nothing.ok()) return SysError("open", "/dev/null");
  return std::unique_ptr<Root>(new Root(Absolute(path), std::move(nothing), false));
}

// The holder is set first: a process that sees a new opening must find the holder of it.
void Root::Share(std::atomic<int64_t>& openings, std::atomic<int64_t>& holder) {
  openings_ = &openings;
  holder_ = &holder;
  if (!is_holder_) return;
  // In one number, so that no process reads the descriptor of one holder with the pid of another.
  holder = (int64_t{::getpid()} << 32) | fd_.get();
  opening_ = ++openings;
}

// dup3(2) replaces the directory behind the number in one step. A thread that is within a system call keeps the old one
// until that returns, so no lock is needed around the calls of others.
absl::Status Root::TakeOver(UniqueFd fd) const {
  if (::dup3(fd.get(), fd_.get(), O_CLOEXEC) < 0) return SysError("dup3");
  return absl::OkStatus();
}

// The number of the opening is raised last, when the new directory is in place: the others open it through this
// process.
absl::Status Root::Reopen() const {
  MutexLock lock(following_);
  UniqueFd fd = OpenDirectory(path_);
  if (!fd.ok()) return SysError("cannot use the root directory", path_);
  if (absl::Status status = TakeOver(std::move(fd)); !status.ok()) return status;
  if (openings_ != nullptr) opening_ = ++*openings_;
  return absl::OkStatus();
}

// What the holder has open, even if the path leads elsewhere by now. A process that the system keeps from looking (one
// with capabilities, see proc(5)) goes by the path.
UniqueFd Root::OpenAsHolder() const {
  const int64_t holder = *holder_;
  UniqueFd fd = OpenDirectory(absl::StrCat("/proc/", holder >> 32, "/fd/", holder & 0x7fffffff));
  return fd.ok() ? std::move(fd) : OpenDirectory(path_);
}

// Under the lock the number is read again: many threads notice a change at once, and one of them follows. opening_ is
// stored last, so a thread that finds it up to date also finds the new directory.
void Root::Follow() const {
  MutexLock lock(following_);
  const int64_t opening = *openings_;
  if (opening_ == opening) return;  // Another thread was quicker.
  UniqueFd fd = OpenAsHolder();
  absl::Status status = fd.ok() ? TakeOver(std::move(fd)) : SysError("cannot use the root directory", path_);
  if (status.ok()) {
    opening_.store(opening, std::memory_order_release);
  } else {  // The next request tries again.
    LOG_FLOOD(WARNING) << "this process still serves the previous directory: " << status.message();
  }
}

}  // namespace polyserve
