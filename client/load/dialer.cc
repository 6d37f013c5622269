#include "client/load/dialer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "base/sys_error.h"
#include "net/deadline.h"
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

// One of those that the system gives to sockets that connect. If it does not tell which these are, any may be.
bool IsEphemeral(uint16_t port) {
  int first = 0, last = 65535;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first >> last;
  return first <= port && port <= last;
}

constexpr absl::Duration kBetweenTries = absl::Milliseconds(100);

}  // namespace

Dialer::Dialer(const Endpoint& to)
    : to_(to),
      is_local_(to.family() == AF_INET && absl::StartsWith(to.Host(), "127.")),
      may_be_own_port_(IsEphemeral(to.port())) {}

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

int Dialer::Outcome(int fd) const {
  if (may_be_own_port_) return OutcomeOfConnecting(fd);
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

absl::StatusOr<UniqueFd> Dialer::Connect(absl::Duration timeout) {
  const Deadline deadline(timeout);
  UniqueFd fd = Start();
  while (!fd.ok() && errno == EADDRNOTAVAIL && !deadline.passed()) {
    absl::SleepFor(kBetweenTries);
    fd = Start();
  }
  absl::Status status =
      fd.ok() ? AwaitConnected(fd.get(), to_, deadline.Left()) : SysError("connect to", to_.ToString());
  if (!status.ok()) return absl::UnavailableError(status.message());
  return fd;
}

}  // namespace polyserve
