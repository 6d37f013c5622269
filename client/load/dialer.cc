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

// Without IP_BIND_ADDRESS_NO_PORT (ip(7)), bind() would choose a port for this socket alone. With it connect() chooses,
// and may take a port that connections to other servers use as well.
bool BindToSource(int fd, int source) {
  sockaddr_in from = {};
  from.sin_family = AF_INET;
  // All of 127.0.0.0/8 is this machine, without any setting (RFC 1122, section 3.2.1.3). The port stays 0: the kernel's
  // choice. IPv6 has a single loopback address, so for ::1 there is no such way out.
  from.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK + static_cast<uint32_t>(source));
  const int on = 1;
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof(from)) == 0;
}

// Whether the system may give this port to a socket that connects. If the range cannot be read, any may be.
bool IsEphemeral(uint16_t port) {
  int first = 0, last = 65535;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first >> last;
  return first <= port && port <= last;
}

// Short beside the minute that a port stays in TIME_WAIT, and long enough for the tries to cost nothing.
constexpr absl::Duration kBetweenTries = absl::Milliseconds(100);

}  // namespace

Dialer::Dialer(const Endpoint& to, int type)
    : to_(to),
      type_(type),
      is_local_(to.family() == AF_INET && absl::StartsWith(to.Host(), "127.")),
      may_be_own_port_(IsEphemeral(to.port())) {}

// Stays at the address that had a free port: those before it are probably still full. EADDRNOTAVAIL is what connect(2)
// says if all ports of the range are taken for this pair of addresses; any other error would be the same from every
// address.
UniqueFd Dialer::Start() {
  UniqueFd fd = StartFrom(source_);
  if (!is_local_) return fd;
  for (int tries = 1; !fd.ok() && errno == EADDRNOTAVAIL && tries < kMaxSources; ++tries) {
    // Around, so that ports which have become free meanwhile are found again.
    source_ = (source_ + 1) % kMaxSources;
    fd = StartFrom(source_);
  }
  return fd;
}

// Keeps errno across the close of a socket that failed: Start() decides by it. Linux says EAGAIN in place of
// EADDRNOTAVAIL if it finds no port for a socket of datagrams (inet_dgram_connect(), net/ipv4/af_inet.c).
UniqueFd Dialer::StartFrom(int source) {
  UniqueFd fd(::socket(to_.family(), type_ | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.ok()) return fd;
  const int on = 1;
  if (type_ == SOCK_STREAM) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  // EINPROGRESS is the usual answer of a socket that does not block. On loopback a connection is often made at once;
  // the caller need not care, because the socket is writable then, too.
  const bool has_begun = (source == 0 || BindToSource(fd.get(), source)) &&
                         (::connect(fd.get(), to_.address(), to_.size()) == 0 || errno == EINPROGRESS);
  if (has_begun) return fd;
  const int error = type_ == SOCK_DGRAM && errno == EAGAIN ? EADDRNOTAVAIL : errno;
  fd.reset();
  errno = error;
  return fd;
}

int Dialer::Outcome(int fd) const {
  if (may_be_own_port_) return OutcomeOfConnecting(fd);
  int error = 0;  // SO_ERROR is the errno that a blocking connect() would have had (connect(2), EINPROGRESS).
  socklen_t size = sizeof(error);
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

// A port may become free at any time, as connections leave TIME_WAIT; other errors do not pass by waiting.
absl::StatusOr<UniqueFd> Dialer::Connect(absl::Duration timeout) {
  const Deadline deadline(timeout);  // For all tries together, and the handshake.
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
