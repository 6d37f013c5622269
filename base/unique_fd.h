// UniqueFd: the one owner of a file descriptor, which closes it. A raw int may be looked at (get()), never kept.
//
//   UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));  // Owned from the line that makes it.
//   if (!fd.ok()) return SysError("open", path);
#ifndef POLYSERVE_BASE_UNIQUE_FD_H_
#define POLYSERVE_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace polyserve {

// Not thread-safe. After a fork, parent and child each own a copy of it, as the kernel has it: the open file behind
// both is shared, with its position and its O_NONBLOCK, and is closed with the last copy.
class UniqueFd {
 public:
  UniqueFd() = default;
  // Takes ownership; -1, what a failed call returns, owns nothing.
  explicit UniqueFd(int fd) : fd_(fd) {}
  // The source owns nothing afterwards, so a descriptor is never closed twice.
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  // -1 if it owns nothing. Valid as long as this object owns the descriptor.
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  // Gives ownership up: the caller closes the descriptor.
  // For calls that take a descriptor over only if they succeed, as fdopendir(3): release it after they have.
  int release() { return std::exchange(fd_, -1); }

  // Closes what it owns, and takes over `fd`. Errors of close(2) are ignored. EINTR is no reason to try again: Linux
  // has released the number by then, and another thread may have it already.
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace polyserve

#endif  // POLYSERVE_BASE_UNIQUE_FD_H_
