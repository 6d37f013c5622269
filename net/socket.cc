#include "net/socket.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <iterator>

#include "base/logging.h"
#include "base/sys_error.h"
#include "net/deadline.h"

namespace polyserve {

namespace {

absl::Status SetOption(int fd, int level, int option, int value) {
  if (::setsockopt(fd, level, option, &value, sizeof(value)) != 0) return SysError("setsockopt");
  return absl::OkStatus();
}

absl::Status SetTimeout(int fd, int option, absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration()) return absl::OkStatus();  // The default.
  const timeval value = absl::ToTimeval(timeout);
  if (::setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)) != 0) return SysError("setsockopt");
  return absl::OkStatus();
}

// A peer whose system has crashed or lost its network sends nothing, and no end either. Whoever waits for its bytes
// would wait for ever; whoever sends to it learns of that by TCP's retransmissions.
absl::Status SetKeepAlive(int fd, absl::Duration idle) {
  if (idle == absl::InfiniteDuration()) return absl::OkStatus();
  const int seconds = static_cast<int>(absl::ToInt64Seconds(idle));
  absl::Status status = SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  status.Update(SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds));
  status.Update(SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, seconds / kKeepAliveProbes)));
  status.Update(SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes));
  return status;
}

// Linux makes each connection as a copy of the listener, with these options. Buffer sizes must be set before listen(2):
// the window scale is negotiated in the handshake, from the size as it is then (tcp(7)). IPV6_V6ONLY, so that [::] and
// 0.0.0.0 can be two listeners. SO_REUSEADDR does not let two servers share a port on Linux: bind(2) still fails if
// another socket listens there (socket(7)).
absl::StatusOr<UniqueFd> Listen(const Endpoint& at, absl::Duration idle_timeout, const ListenOptions& options,
                                bool share_port) {
  UniqueFd fd(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.ok()) return SysError("socket", at.ToString());
  absl::Status status = SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);  // A restart need not wait for TIME_WAIT.
  if (share_port) status.Update(SetOption(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1));
  if (at.family() == AF_INET6) status.Update(SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1));
  if (options.no_delay) status.Update(SetOption(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1));
  if (options.buffer_bytes > 0) {
    status.Update(SetOption(fd.get(), SOL_SOCKET, SO_RCVBUF, options.buffer_bytes));
    status.Update(SetOption(fd.get(), SOL_SOCKET, SO_SNDBUF, options.buffer_bytes));
  }
  if (options.stamps_arrivals) status.Update(SetOption(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, 1));
  status.Update(SetKeepAlive(fd.get(), options.keep_alive));
  status.Update(SetTimeout(fd.get(), SO_RCVTIMEO, idle_timeout));
  status.Update(SetTimeout(fd.get(), SO_SNDTIMEO, std::min(idle_timeout, options.send_timeout)));
  if (!status.ok()) return status;
  if (::bind(fd.get(), at.address(), at.size()) != 0) return SysError("bind", at.ToString());
  if (::listen(fd.get(), options.backlog) != 0) return SysError("listen", at.ToString());
  return fd;
}

// connect(2) has no time-out of its own (the kernel gives up after some two minutes), so the socket does not block.
absl::StatusOr<UniqueFd> ConnectToOne(const Endpoint& to, absl::Duration timeout) {
  UniqueFd fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.ok()) return SysError("socket", to.ToString());
  if (::connect(fd.get(), to.address(), to.size()) != 0) {
    if (errno != EINPROGRESS) return SysError("connect to", to.ToString());
    if (absl::Status status = AwaitConnected(fd.get(), to, timeout); !status.ok()) return status;
  }
  // Clients read and write with blocking calls; only the connecting had to be bounded.
  absl::Status status = SetNonBlocking(fd.get(), false);
  status.Update(SetOption(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1));
  if (!status.ok()) return status;
  return fd;
}

}  // namespace

absl::StatusOr<UniqueFd> ListenTcp(const Endpoint& at, absl::Duration idle_timeout, const ListenOptions& options) {
  return Listen(at, idle_timeout, options, false);
}

// A time-out of zero is none (socket(7)): the socket may have had one. listen(2) may be called again, for the backlog.
absl::Status TuneListener(int listener, absl::Duration idle_timeout, const ListenOptions& options) {
  const auto or_none = [](absl::Duration timeout) {
    return timeout == absl::InfiniteDuration() ? absl::ZeroDuration() : timeout;
  };
  absl::Status status = SetOption(listener, IPPROTO_TCP, TCP_NODELAY, options.no_delay ? 1 : 0);
  status.Update(SetOption(listener, SOL_SOCKET, SO_TIMESTAMPNS, options.stamps_arrivals ? 1 : 0));
  status.Update(SetTimeout(listener, SO_RCVTIMEO, or_none(idle_timeout)));
  status.Update(SetTimeout(listener, SO_SNDTIMEO, or_none(std::min(idle_timeout, options.send_timeout))));
  if (status.ok() && ::listen(listener, options.backlog) != 0) return SysError("listen");
  return status;
}

// All sockets of a group must have SO_REUSEPORT when the next one binds, and the same owner (socket(7)), so no other
// user's program can join.
absl::StatusOr<UniqueFd> ListenBeside(int listener, absl::Duration idle_timeout, const ListenOptions& options) {
  if (absl::Status status = SetOption(listener, SOL_SOCKET, SO_REUSEPORT, 1); !status.ok()) return status;
  const absl::StatusOr<Endpoint> at = Endpoint::OfSocket(listener);
  if (!at.ok()) return at.status();
  return Listen(*at, idle_timeout, options, true);
}

// A share of the time for each address that is left: one that drops packets must not use up the time of those behind
// it, and what a quick refusal saves goes to the rest.
absl::StatusOr<UniqueFd> ConnectTcp(const Endpoints& to, absl::Duration timeout) {
  const Deadline deadline(timeout);
  absl::StatusOr<UniqueFd> fd = absl::UnavailableError("there is no address to connect to");
  for (size_t i = 0; i < to.all().size(); ++i) {
    const auto untried = static_cast<int64_t>(to.all().size() - i);
    fd = ConnectToOne(to.all()[i], deadline.Left() / untried);
    if (fd.ok()) break;
  }
  return fd;
}

absl::Status AwaitConnected(int fd, const Endpoint& to, absl::Duration timeout) {
  pollfd connecting = {fd, POLLOUT, 0};
  const Deadline deadline(timeout);
  int ready = 0;
  do {
    ready = ::poll(&connecting, 1, deadline.PollMilliseconds());
  } while ((ready < 0 && errno == EINTR) || (ready == 0 && !deadline.passed()));
  if (ready == 0) errno = ETIMEDOUT;
  if (ready <= 0) return SysError("connect to", to.ToString());
  errno = OutcomeOfConnecting(fd);
  return errno == 0 ? absl::OkStatus() : SysError("connect to", to.ToString());
}

// SO_ERROR is reported once and then cleared (socket(7)), so call this once for each attempt. If the kernel gives a
// client the very port that it connects to, its SYN meets its own socket, and both sides agree: a connection with
// itself.
int OutcomeOfConnecting(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return error;
  const absl::StatusOr<Endpoint> own = Endpoint::OfSocket(fd);
  const absl::StatusOr<Endpoint> peer = Endpoint::OfPeer(fd);
  if (!own.ok() || !peer.ok() || !(*own == *peer)) return 0;
  const linger at_once = {1, 0};  // No TIME_WAIT: a server that wants to listen there must find the port free.
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  return ECONNREFUSED;
}

absl::Status SetReceiveTimeout(int fd, absl::Duration timeout) { return SetTimeout(fd, SO_RCVTIMEO, timeout); }

// A flag of the open file, not of the descriptor: it changes for every process that shares it (fcntl(2)).
absl::Status SetNonBlocking(int fd, bool non_blocking) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return SysError("fcntl");
  if (::fcntl(fd, F_SETFL, non_blocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) != 0) return SysError("fcntl");
  return absl::OkStatus();
}

// A hang-up or a reset makes a TCP socket readable too, so that a caller finds it by reading.
bool IsReadable(int fd) {
  pollfd readable = {fd, POLLIN, 0};
  ::poll(&readable, 1, 0);
  return (readable.revents & POLLIN) != 0;
}

void RefuseNewClients(int listener) {
  // Bound to a network interface that does not exist, it matches no packet that begins a connection. Packets of a
  // handshake that has begun find its own socket instead. Needs no privilege unless the socket is bound to an interface
  // already.
  constexpr int kNoInterface = INT_MAX;
  // The index is not looked up (sock_bindtoindex() in net/core/sock.c), as a name given to SO_BINDTODEVICE would be.
  // Binding it a second time would need the privilege, hence the look.
  int interface = 0;
  socklen_t size = sizeof(interface);
  ::getsockopt(listener, SOL_SOCKET, SO_BINDTOIFINDEX, &interface, &size);
  if (interface == kNoInterface) return;
  if (SetOption(listener, SOL_SOCKET, SO_BINDTOIFINDEX, kNoInterface).ok()) return;
  // Only if it is bound to an interface already, and we may not change that: a filter drops the first packets of new
  // clients, for which some kernels want a privilege as well. A SYN without ACK is such a packet; a dropped one is sent
  // again, and finds the listener closed by then.
  constexpr uint32_t kFlagsOffset = 13;  // In the header of TCP (RFC 9293, section 3.1).
  constexpr uint32_t kSyn = 0x02, kAck = 0x10;
  sock_filter drop_first_packets[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlagsOffset),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSyn | kAck),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
  };
  // A filter of a TCP socket sees the packet from its TCP header on.
  const sock_fprog program = {std::size(drop_first_packets), drop_first_packets};
  if (::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0) return;
  LOG(WARNING) << SysError("cannot refuse new clients while the last ones are served; some may be reset").message();
}

}  // namespace polyserve
