// UniqueFd: the one owner of a file descriptor. A raw int may be looked at (get()), never kept.
#ifndef POLYSERVE_BASE_UNIQUE_FD_H_
#define POLYSERVE_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace polyserve {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}  // Takes ownership; -1 owns nothing.
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

  // Closes what it owns. EINTR is no reason to try again: Linux has released the number by then, see close(2).
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace polyserve

#endif  // POLYSERVE_BASE_UNIQUE_FD_H_
