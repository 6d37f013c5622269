#include "load/dialer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "base/sys_error.h"
#include "net/socket.h"

namespace polyserve {

namespace {

// A port is chosen when it connects, not now: only then does the system know that others may have the same.
bool BindToSource(int fd, int source) {
  sockaddr_in from = {};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK + static_cast<uint32_t>(source));
  const int on = 1;
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof(from)) == 0;
}

}  // namespace

Dialer::Dialer(const Endpoint& to)
    : to_(to), is_local_(to.family() == AF_INET && absl::StartsWith(to.Host(), "127.")) {}

UniqueFd Dialer::Start() {
  UniqueFd fd = StartFrom(source_);
  if (!is_local_) return fd;
  for (int tries = 1; !fd.ok() && errno == EADDRNOTAVAIL && tries < kMaxSources; ++tries) {
    source_ = (source_ + 1) % kMaxSources;
    fd = StartFrom(source_);
  }
  return fd;
}

UniqueFd Dialer::StartFrom(int source) {
  UniqueFd fd(::socket(to_.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.ok()) return fd;
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const bool has_begun = (source == 0 || BindToSource(fd.get(), source)) &&
                         (::connect(fd.get(), to_.address(), to_.size()) == 0 || errno == EINPROGRESS);
  if (has_begun) return fd;
  const int error = errno;
  fd.reset();
  errno = error;
  return fd;
}

absl::StatusOr<UniqueFd> Dialer::Connect(absl::Duration timeout) {
  UniqueFd fd = Start();
  absl::Status status = fd.ok() ? AwaitConnected(fd.get(), to_, timeout) : SysError("connect to", to_.ToString());
  if (!status.ok()) return absl::UnavailableError(status.message());
  return fd;
}

}  // namespace polyserve
