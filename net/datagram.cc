#include "net/datagram.h"

#include <linux/filter.h>
#include <linux/membarrier.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

// Asked for; the kernel gives as much as net.core.rmem_max allows. The listener has to hold what all peers send while
// the server is busy, or, with a process for each, is starting one.
constexpr int kListenerQueueBytes = 4 << 20;
// Some small datagrams: what comes beyond them is a flood.
constexpr int kStraysQueueBytes = 8 * 1024;

// Bounds how long the kernel takes from choosing a socket for a datagram to queueing it there. That is some
// microseconds, but an interrupt may come in between, or another guest of the same machine.
constexpr absl::Duration kLongestDelivery = absl::Milliseconds(20);

// Room for where a datagram was sent to, aligned as the kernel wants it.
union ControlBuffer {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(in6_pktinfo))];
};
static_assert(sizeof(in6_pktinfo) >= sizeof(in_pktinfo));

absl::Status SetOption(int fd, int level, int option, int value) {
  if (::setsockopt(fd, level, option, &value, sizeof(value)) != 0) return SysError("setsockopt");
  return absl::OkStatus();
}

// The address that a datagram was sent to, from the control message of the kernel (ip(7), ipv6(7)); its port is 0.
Endpoint LocalAddress(const in_addr& address) {
  sockaddr_storage storage = {};
  sockaddr_in& v4 = reinterpret_cast<sockaddr_in&>(storage);
  v4.sin_family = AF_INET;
  v4.sin_addr = address;
  return Endpoint::FromAddress(storage);
}

Endpoint LocalAddress(const in6_pktinfo& info) {
  sockaddr_storage storage = {};
  sockaddr_in6& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = info.ipi6_addr;
  // A link-local address means nothing without its interface, and every interface may have the same one.
  if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) v6.sin6_scope_id = info.ipi6_ifindex;
  return Endpoint::FromAddress(storage);
}

// Copied, since CMSG_DATA() need not be aligned for the type (cmsg(3)).
template <typename T>
T ReadControl(cmsghdr* header) {
  T value;
  std::memcpy(&value, CMSG_DATA(header), sizeof(value));
  return value;
}

// Gives the message one control message, in `control`, which must live until sendmsg(2).
template <typename T>
void WriteControl(const T& value, int level, int type, ControlBuffer& control, msghdr& message) {
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_SPACE(sizeof(value));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof(value));
  std::memcpy(CMSG_DATA(header), &value, sizeof(value));
}

// The field holds six bits of DSCP above two of ECN (RFC 3168, section 5). The code point is 101011; the ECN bits stay
// clear, and are masked out of what is received, since routers may set them.
constexpr int kAnswerMark = 0b101011 << 2;
constexpr int kMarkMask = 0b111111 << 2;

// Loads from the IP header. A filter of a UDP socket begins at the UDP header; SKF_NET_OFF is the kernel's way back to
// the network header (linux/filter.h).
constexpr sock_filter Load(uint16_t size, uint32_t offset) {
  return BPF_STMT(static_cast<uint16_t>(BPF_LD | size | BPF_ABS), static_cast<uint32_t>(SKF_NET_OFF) + offset);
}

// Both headers of IP begin with the version; the mark is in the second byte of IPv4, and 4 bits behind the version in
// IPv6. A result of 0 drops the datagram; any other keeps that many bytes of it. The last two numbers of a jump are how
// many instructions to skip if the comparison holds, and if not.
constexpr sock_filter kDropMarked[] = {
    Load(BPF_B, 0),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xF0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x60, 2, 0),
    Load(BPF_B, 1),
    BPF_JUMP(BPF_JMP | BPF_JA, 2, 0, 0),
    Load(BPF_H, 0),
    BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kMarkMask),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kAnswerMark, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 0),
    BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),
};

// Whether NeverAnswerAnswers() was called for the socket.
bool MarksAnswers(int fd) {
  int mark = 0;
  socklen_t size = sizeof(mark);
  return ::getsockopt(fd, IPPROTO_IP, IP_TOS, &mark, &size) == 0 && mark == kAnswerMark;
}

// The same address with this port; 0 for none.
Endpoint WithPort(const Endpoint& address, uint16_t port) {
  sockaddr_storage storage = {};
  std::memcpy(&storage, address.address(), address.size());
  if (storage.ss_family == AF_INET6) reinterpret_cast<sockaddr_in6&>(storage).sin6_port = htons(port);
  if (storage.ss_family != AF_INET6) reinterpret_cast<sockaddr_in&>(storage).sin_port = htons(port);
  return Endpoint::FromAddress(storage);
}

// A socket on an address that `listener` has already. Both must allow that with SO_REUSEADDR, and the listener does so
// for this moment only (bind(2) alone looks at the option): at any other time no other socket, above all that of
// another user's program, can share the address and take datagrams away. Call it from one thread for each listener: a
// second one could forbid it again in between.
absl::StatusOr<UniqueFd> BindBeside(int listener, const Endpoint& at) {
  UniqueFd fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const bool has_v6 = fd.ok();
  if (!has_v6 && errno == EAFNOSUPPORT) fd.reset(::socket(at.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.ok()) return SysError("socket");
  const Endpoint address = has_v6 ? at.AsV6() : at;
  absl::Status status = SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  status.Update(SetOption(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1));  // For its place in the list; see the header.
  status.Update(SetOption(fd.get(), SOL_SOCKET, SO_RCVBUF, kPeerQueueBytes));
  if (has_v6) status.Update(SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, at.family() == AF_INET6 ? 1 : 0));
  status.Update(SetOption(listener, SOL_SOCKET, SO_REUSEADDR, 1));
  if (!status.ok()) return status;
  const int result = ::bind(fd.get(), address.address(), address.size());
  status = result == 0 ? absl::OkStatus() : SysError("bind", at.ToString());
  // Taken back even if bind(2) has failed: the listener must not stay open to sharing.
  status.Update(SetOption(listener, SOL_SOCKET, SO_REUSEADDR, 0));
  if (status.ok() && MarksAnswers(listener)) status = NeverAnswerAnswers(fd.get());
  if (!status.ok()) return status;
  return fd;
}

// A socket of IPv6 takes no sockaddr_in, so an IPv4 address is written in the socket's own family.
absl::Status Connect(int fd, const Endpoint& to) {
  const absl::StatusOr<Endpoint> self = Endpoint::OfSocket(fd);
  if (!self.ok()) return self.status();
  const Endpoint address = self->family() == AF_INET6 ? to.AsV6() : to;
  if (::connect(fd, address.address(), address.size()) != 0) return SysError("connect to", to.ToString());
  return absl::OkStatus();
}

// Waits until every datagram is in its socket for which the kernel has chosen one by now. It does both within one RCU
// read-side critical section, and this command of membarrier(2) waits for all of those to end (synchronize_rcu()).
// Takes some milliseconds.
void AwaitDeliveries() {
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0) return;
  absl::SleepFor(kLongestDelivery);  // Not allowed here, or not with these processors (nohz_full).
}

}  // namespace

// IPV6_V6ONLY keeps [::] from taking the port of 0.0.0.0 as well, which is a listener of its own here.
absl::StatusOr<UniqueFd> BindUdp(const Endpoint& at) {
  UniqueFd fd(::socket(at.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.ok()) return SysError("socket", at.ToString());
  absl::Status status = TuneUdp(fd.get(), at);
  if (at.family() == AF_INET6) status.Update(SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1));
  if (!status.ok()) return status;
  if (::bind(fd.get(), at.address(), at.size()) != 0) return SysError("bind", at.ToString());
  return fd;
}

// Only a socket bound to all addresses asks for the destination of each datagram: with a single address it is known.
absl::Status TuneUdp(int fd, const Endpoint& at) {
  absl::Status status = SetOption(fd, SOL_SOCKET, SO_RCVBUF, kListenerQueueBytes);
  if (!at.is_wildcard()) return status;
  status.Update(at.family() == AF_INET6 ? SetOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                                        : SetOption(fd, IPPROTO_IP, IP_PKTINFO, 1));
  return status;
}

absl::Status NeverAnswerAnswers(int fd) {
  const absl::StatusOr<Endpoint> self = Endpoint::OfSocket(fd);
  if (!self.ok()) return self.status();
  absl::Status status = SetOption(fd, IPPROTO_IP, IP_TOS, kAnswerMark);  // A socket of IPv6 may send over IPv4.
  if (self->family() == AF_INET6) status.Update(SetOption(fd, IPPROTO_IPV6, IPV6_TCLASS, kAnswerMark));
  sock_fprog program = {std::size(kDropMarked), const_cast<sock_filter*>(kDropMarked)};
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0) {
    status.Update(SysError("setsockopt(SO_ATTACH_FILTER)"));
  }
  return status;
}

ssize_t ReceiveDatagram(int fd, char* buffer, DatagramPath& path) {
  sockaddr_storage peer;
  ControlBuffer control;
  iovec piece = {buffer, kMaxDatagramBytes};
  msghdr message = {};
  message.msg_name = &peer;
  message.msg_namelen = sizeof(peer);
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control.bytes);
  // MSG_TRUNC is not looked for: no datagram is larger than the buffer. MSG_DONTWAIT makes the call independent of
  // O_NONBLOCK, which belongs to the open file and is shared with other processes.
  const ssize_t size = ::recvmsg(fd, &message, MSG_DONTWAIT);
  if (size < 0) return size;
  // One form for each address, or a table of peers would hold an IPv4 peer twice: as itself, and as ::ffff:a.b.c.d.
  path.peer = Endpoint::FromAddress(peer).AsV4();
  path.local = Endpoint();
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      // Not ipi_addr: that is the destination in the header, which for a broadcast is no address to reply from.
      path.local = LocalAddress(ReadControl<in_pktinfo>(header).ipi_spec_dst);
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      path.local = LocalAddress(ReadControl<in6_pktinfo>(header));
    }
  }
  return size;
}

ssize_t SendDatagram(int fd, absl::string_view bytes, const DatagramPath& path) {
  ControlBuffer control = {};
  iovec piece = {const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message = {};
  message.msg_name = const_cast<sockaddr*>(path.peer.address());
  message.msg_namelen = path.peer.size();
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (path.local.family() == AF_INET) {
    in_pktinfo info = {};
    info.ipi_spec_dst = reinterpret_cast<const sockaddr_in*>(path.local.address())->sin_addr;
    WriteControl(info, IPPROTO_IP, IP_PKTINFO, control, message);
  } else if (path.local.family() == AF_INET6) {
    const sockaddr_in6* local = reinterpret_cast<const sockaddr_in6*>(path.local.address());
    in6_pktinfo info = {};
    info.ipi6_addr = local->sin6_addr;
    info.ipi6_ifindex = local->sin6_scope_id;
    WriteControl(info, IPPROTO_IPV6, IPV6_PKTINFO, control, message);
  }
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

// Connecting first and looking at the chosen source address afterwards costs nothing in the usual case, in which
// routing chooses the address that the peer has asked. Otherwise the socket is made once more, bound to that very
// address. Such a socket matches better than the wildcard listener, so between bind(2) and connect(2) it gets other
// peers' datagrams too.
absl::StatusOr<UniqueFd> ConnectBeside(int listener, const DatagramPath& path, bool& may_hold_others) {
  may_hold_others = false;
  const absl::StatusOr<Endpoint> at = Endpoint::OfSocket(listener);
  if (!at.ok()) return at.status();
  absl::StatusOr<UniqueFd> fd = BindBeside(listener, *at);
  if (!fd.ok()) return fd.status();
  if (absl::Status status = Connect(fd->get(), path.peer); !status.ok()) return status;
  if (path.local.family() == AF_UNSPEC) return fd;
  const absl::StatusOr<Endpoint> chosen = Endpoint::OfSocket(fd->get());
  if (chosen.ok() && WithPort(chosen->AsV4(), 0) == path.local) return fd;
  // Routing would send from another address than the one that the peer has asked.
  may_hold_others = true;
  fd = BindBeside(listener, WithPort(path.local, at->port()));
  if (!fd.ok()) return fd.status();
  if (absl::Status status = Connect(fd->get(), path.peer); !status.ok()) return status;
  return fd;
}

// No other socket has this port, so nothing that is meant for others can come in before connect(2). TFTP answers like
// this: a port of its own for each transfer (RFC 1350, section 4).
absl::StatusOr<UniqueFd> ConnectFromNewPort(int listener, const DatagramPath& path) {
  const absl::StatusOr<Endpoint> at = Endpoint::OfSocket(listener);
  if (!at.ok()) return at.status();
  const Endpoint local = WithPort(path.local.family() == AF_UNSPEC ? *at : path.local, 0);
  UniqueFd fd(::socket(local.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.ok()) return SysError("socket");
  if (absl::Status status = SetOption(fd.get(), SOL_SOCKET, SO_RCVBUF, kPeerQueueBytes); !status.ok()) return status;
  if (::bind(fd.get(), local.address(), local.size()) != 0) return SysError("bind", local.ToString());
  if (absl::Status status = Connect(fd.get(), path.peer); !status.ok()) return status;
  return fd;
}

// Both must allow that with SO_REUSEADDR, for this moment only, as in BindBeside(). The connected one must not have had
// the option when it got its port: the kernel would have given it one that another such socket has.
absl::StatusOr<UniqueFd> BindForStrays(int connected) {
  const absl::StatusOr<Endpoint> at = Endpoint::OfSocket(connected);
  if (!at.ok()) return at.status();
  UniqueFd fd(::socket(at->family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.ok()) return SysError("socket");
  absl::Status status = SetOption(fd.get(), SOL_SOCKET, SO_RCVBUF, kStraysQueueBytes);
  for (const int both : {fd.get(), connected}) status.Update(SetOption(both, SOL_SOCKET, SO_REUSEADDR, 1));
  if (status.ok() && ::bind(fd.get(), at->address(), at->size()) != 0) status = SysError("bind", at->ToString());
  for (const int both : {fd.get(), connected}) status.Update(SetOption(both, SOL_SOCKET, SO_REUSEADDR, 0));
  if (!status.ok()) return status;
  return fd;
}

// Connected to itself, because a socket without a peer would receive from all peers again. The kernel may have chosen
// this socket for a datagram just before, and queue it just after: the caller reads the socket empty only when that is
// over.
absl::Status TurnAwayFromPeer(int fd) {
  const absl::StatusOr<Endpoint> self = Endpoint::OfSocket(fd);
  if (!self.ok()) return self.status();
  absl::Status status = Connect(fd, *self);
  if (status.ok()) AwaitDeliveries();
  return status;
}

}  // namespace polyserve
