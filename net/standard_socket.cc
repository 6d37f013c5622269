#include "net/standard_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

constexpr char kWhatItIsFor[] =
    "; --inetd is for a program that inetd, systemd or the model exec has started with a socket as its standard input";

int OptionOf(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

bool IsSameFile(int one, int other) {
  struct stat a, b;
  return ::fstat(one, &a) == 0 && ::fstat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool HasPeer(int fd) {
  sockaddr_storage peer;
  socklen_t size = sizeof(peer);
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

// A stream that does not listen is a connection even if its peer has reset it meanwhile (ENOTCONN): it is served, and
// the first read finds that out.
absl::StatusOr<StandardSocket> Describe(int fd) {
  const int type = OptionOf(fd, SO_TYPE);
  const int domain = OptionOf(fd, SO_DOMAIN);
  const bool is_known = domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX;
  if (!is_known || (type != SOCK_STREAM && type != SOCK_DGRAM)) {
    return absl::InvalidArgumentError(absl::StrCat("standard input is no socket", kWhatItIsFor));
  }
  StandardSocket found;
  found.has_datagrams = type == SOCK_DGRAM;
  found.is_connection = found.has_datagrams ? HasPeer(fd) : OptionOf(fd, SO_ACCEPTCONN) != 1;
  if (domain == AF_UNIX && !found.is_connection) {
    return absl::InvalidArgumentError(absl::StrCat("standard input is a UNIX socket without a peer", kWhatItIsFor));
  }
  return found;
}

absl::Status SetOption(int fd, int level, int option, int value) {
  if (::setsockopt(fd, level, option, &value, sizeof(value)) != 0) return SysError("setsockopt");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StandardSocket> TakeStandardSocket() {
  absl::StatusOr<StandardSocket> found = Describe(STDIN_FILENO);
  if (!found.ok()) return found.status();
  found->fd.reset(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!found->fd.ok()) return SysError("fcntl");
  const UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing.ok()) return SysError("open", "/dev/null");
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (!IsSameFile(found->fd.get(), standard)) continue;
    if (::dup2(nothing.get(), standard) < 0) return SysError("dup2");
  }
  return found;
}

// As in net/socket.cc, which sets them on listeners, whose connections inherit them. Those of TCP are none of a UNIX
// socket's.
absl::Status TuneConnection(int connection, absl::Duration idle_timeout, const ListenOptions& options) {
  absl::Status status = SetNonBlocking(connection, false);
  status.Update(SetReceiveTimeout(connection, idle_timeout));
  const absl::Duration send_timeout = std::min(idle_timeout, options.send_timeout);
  if (send_timeout != absl::InfiniteDuration()) {
    const timeval value = absl::ToTimeval(send_timeout);
    if (::setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof(value)) != 0) {
      status.Update(SysError("setsockopt"));
    }
  }
  if (OptionOf(connection, SO_PROTOCOL) != IPPROTO_TCP) return status;
  status.Update(SetOption(connection, IPPROTO_TCP, TCP_NODELAY, options.no_delay ? 1 : 0));
  if (options.stamps_arrivals) {
    status.Update(SetOption(connection, SOL_SOCKET, SO_TIMESTAMPNS, 1));
  }
  if (options.keep_alive == absl::InfiniteDuration()) return status;
  const int seconds = static_cast<int>(absl::ToInt64Seconds(options.keep_alive));
  status.Update(SetOption(connection, SOL_SOCKET, SO_KEEPALIVE, 1));
  status.Update(SetOption(connection, IPPROTO_TCP, TCP_KEEPIDLE, seconds));
  status.Update(SetOption(connection, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, seconds / kKeepAliveProbes)));
  status.Update(SetOption(connection, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes));
  return status;
}

}  // namespace polyserve
