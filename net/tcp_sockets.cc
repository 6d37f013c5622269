#include "net/tcp_sockets.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>  // Not netinet/tcp.h, whose tcp_info ends before the counts of bytes.
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace polyserve {

namespace {

// The kernel fills one datagram after the other, none of them larger than this (netlink(7): 32 KiB at most).
constexpr size_t kBufferBytes = 32 * 1024;

// States of TCP, as linux/tcp_states.h of the kernel numbers them; a set has a bit for each. Connections on which
// something can still be sent or read: neither TIME_WAIT, of which there may be very many, nor half-open ones.
constexpr uint32_t kListeners = 1u << 10;
constexpr uint32_t kConnections = 1u << 1 | 1u << 4 | 1u << 5 | 1u << 8 | 1u << 9;

struct Request {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

bool Ask(int fd, int family, uint32_t states, uint8_t extensions) {
  Request request = {};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = static_cast<uint8_t>(family);
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_ext = extensions;
  request.body.idiag_states = states;
  return ::send(fd, &request, sizeof(request), 0) == sizeof(request);
}

Endpoint EndpointOf(uint8_t family, const __be32* address, uint16_t port_in_network_order) {
  sockaddr_storage storage = {};
  if (family == AF_INET6) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_port = port_in_network_order;
    std::memcpy(&v6->sin6_addr, address, sizeof(v6->sin6_addr));
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_port = port_in_network_order;
    std::memcpy(&v4->sin_addr, address, sizeof(v4->sin_addr));
  }
  storage.ss_family = family;
  return Endpoint::FromAddress(storage);
}

// Called for each socket, with the attributes that follow its message. False: no more are wanted.
using Take = std::function<bool(const inet_diag_msg& message, absl::string_view attributes)>;

// Takes one message off the front of a datagram. False: it was the last one, or an error has come instead. Copied out
// of the bytes, so that alignment is no concern.
bool TakeMessage(absl::string_view& datagram, const Take& take) {
  nlmsghdr header;
  inet_diag_msg message;
  constexpr size_t kLeast = NLMSG_HDRLEN + sizeof(message);
  if (datagram.size() < kLeast) return false;
  std::memcpy(&header, datagram.data(), sizeof(header));
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY) return false;
  if (header.nlmsg_len < kLeast || header.nlmsg_len > datagram.size()) return false;
  std::memcpy(&message, datagram.data() + NLMSG_HDRLEN, sizeof(message));
  const absl::string_view attributes = datagram.substr(kLeast, header.nlmsg_len - kLeast);
  datagram.remove_prefix(std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  return take(message, attributes);
}

// The answer is made while it is read, in the reader's own time, so MSG_DONTWAIT is only for a kernel that breaks off.
void Dump(uint32_t states, uint8_t extensions, const Take& take) {
  char buffer[kBufferBytes];
  for (const int family : {AF_INET, AF_INET6}) {
    // One for each, since a dump that was not read to its end would keep the next one waiting.
    const UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!fd.ok() || !Ask(fd.get(), family, states, extensions)) return;
    bool has_more = true;
    while (has_more) {
      const ssize_t count = ::recv(fd.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
      absl::string_view datagram(buffer, count > 0 ? static_cast<size_t>(count) : 0);
      has_more = !datagram.empty();
      while (has_more && !datagram.empty()) has_more = TakeMessage(datagram, take);
    }
  }
}

// Zeroes if it is not among the attributes; an older kernel fills in less.
tcp_info InfoIn(absl::string_view attributes) {
  tcp_info info = {};
  rtattr attribute;
  while (attributes.size() >= sizeof(attribute)) {
    std::memcpy(&attribute, attributes.data(), sizeof(attribute));
    if (attribute.rta_len < sizeof(attribute) || attribute.rta_len > attributes.size()) break;
    if (attribute.rta_type == INET_DIAG_INFO) {
      const size_t size = std::min<size_t>(attribute.rta_len - RTA_LENGTH(0), sizeof(info));
      std::memcpy(&info, attributes.data() + RTA_LENGTH(0), size);
    }
    attributes.remove_prefix(std::min<size_t>(RTA_ALIGN(attribute.rta_len), attributes.size()));
  }
  return info;
}

}  // namespace

// Of a listener, the two queues are the accept queue and its bound (sock_diag(7)).
std::vector<ListenQueue> ListListenQueues() {
  std::vector<ListenQueue> queues;
  Dump(kListeners, 0, [&queues](const inet_diag_msg& message, absl::string_view) {
    queues.push_back({EndpointOf(message.idiag_family, message.id.idiag_src, message.id.idiag_sport),
                      message.idiag_rqueue, message.idiag_wqueue});
    return true;
  });
  return queues;
}

std::vector<TcpConnection> ListTcpConnections(size_t most) {
  std::vector<TcpConnection> connections;
  constexpr uint8_t kWithInfo = 1u << (INET_DIAG_INFO - 1);
  Dump(kConnections, kWithInfo, [&connections, most](const inet_diag_msg& message, absl::string_view attributes) {
    if (connections.size() >= most) return false;
    const tcp_info info = InfoIn(attributes);
    const Endpoint peer = EndpointOf(message.idiag_family, message.id.idiag_dst, message.id.idiag_dport);
    connections.push_back({.port = ntohs(message.id.idiag_sport),
                           .peer = peer.AsV4(),
                           .received = static_cast<int64_t>(info.tcpi_bytes_received),
                           .unread = message.idiag_rqueue,
                           .acknowledged = static_cast<int64_t>(info.tcpi_bytes_acked),
                           .unsent = message.idiag_wqueue});
    return true;
  });
  return connections;
}

}  // namespace polyserve
