#include "base/line_output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"

namespace polyserve {

// Opening /proc/self/fd/N gives a new open file for the same pipe or terminal, with flags of its own (proc(5)); dup(2)
// would share the flags with every process that inherited the descriptor. A socket cannot be opened that way, and need
// not be, since send(2) takes MSG_DONTWAIT for each call.
LineOutput LineOutput::Own(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return {fd, Kind::kPolled};
  if (S_ISREG(status.st_mode)) return {fd, Kind::kAtOnce};
  if (S_ISSOCK(status.st_mode)) return {fd, Kind::kSocket};
  // /dev/null and the like never wait, and poll(2) says so.
  if (!S_ISFIFO(status.st_mode) && ::isatty(fd) == 0) return {fd, Kind::kPolled};
  const std::string path = absl::StrCat("/proc/self/fd/", fd);
  const int own = ::open(path.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (own < 0) return {fd, Kind::kPolled};  // It belongs to another user, or there is no /proc.
  // In place of the old one, under its number: libraries and children write to STDERR_FILENO. dup2(2) clears
  // close-on-exec, as children need it.
  const bool is_placed = ::dup2(own, fd) == fd;
  ::close(own);
  return {fd, is_placed ? Kind::kAtOnce : Kind::kPolled};
}

bool LineOutput::Append(absl::string_view line, LogHealth& health) const {
  if (Write(line, health)) return true;
  health.lost.fetch_add(1, std::memory_order_relaxed);
  health.unreported.fetch_add(1, std::memory_order_relaxed);
  return false;
}

// The rest of a line that was cut off is not written later: lines of other processes may stand behind it by then. So
// the next writer finds the log torn, and begins with a line break.
bool LineOutput::Write(absl::string_view line, LogHealth& health) const {
  // Two writers may both see the log torn; exchange() lets one of them add the line break. The load before it spares
  // the usual line a write to a cache line that all processes share.
  const bool mends = health.torn.load(std::memory_order_relaxed) != 0 && health.torn.exchange(0) != 0;
  const int64_t written = mends ? WriteSome(absl::StrCat("\n", line)) : WriteSome(line);
  const int64_t break_bytes = mends ? 1 : 0;
  if (written == static_cast<int64_t>(line.size()) + break_bytes) return true;
  // Torn if a part of the line itself was written, or if the break that was to mend an old tear was not.
  const bool is_torn = written > break_bytes || (mends && written < break_bytes);
  if (is_torn) health.torn.store(1);
  return false;
}

// Returns how many bytes were written; zero if none. POLLOUT of a pipe means room for at least PIPE_BUF bytes, so a
// line of at most kMaxLogLineBytes then goes in whole (pipe(7)), unless another process fills the pipe in between.
int64_t LineOutput::WriteSome(absl::string_view bytes) const {
  if (kind_ == Kind::kPolled) {
    pollfd room = {fd_, POLLOUT, 0};
    if (::poll(&room, 1, 0) <= 0 || (room.revents & POLLOUT) == 0) return 0;
  }
  ssize_t written = 0;
  do {
    written = kind_ == Kind::kSocket ? ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                     : ::write(fd_, bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  return written < 0 ? 0 : written;
}

}  // namespace polyserve
