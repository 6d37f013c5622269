#include "net/half_open.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

#include "base/unique_fd.h"

namespace polyserve {

namespace {

struct DumpRequest {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

// All connections of this family and port whose handshake is half done. The kernel keeps those in small structures of
// their own (state TCP_NEW_SYN_RECV), and lists them under TCP_SYN_RECV. No address is given, so a listener at one
// address also waits for handshakes with another one of the same port: that delays a stop a little, but loses no
// client.
DumpRequest MakeRequest(sa_family_t family, in_port_t port) {
  DumpRequest request = {};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = static_cast<uint8_t>(family);
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = 1U << TCP_SYN_RECV;
  request.body.id.idiag_sport = port;
  return request;
}

// True if the answer names a connection; reads no further than that, since closing the socket ends the dump. An answer
// to a dump is several messages in several datagrams, and NLMSG_DONE ends it (netlink(7)).
bool NamesOne(int netlink) {
  // The size that netlink(7) recommends: the kernel cuts off what does not fit.
  alignas(nlmsghdr) char answer[8192];
  while (true) {
    ssize_t count = ::recv(netlink, answer, sizeof(answer), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    for (const nlmsghdr* part = reinterpret_cast<const nlmsghdr*>(answer); NLMSG_OK(part, count);
         part = NLMSG_NEXT(part, count)) {
      if (part->nlmsg_type == SOCK_DIAG_BY_FAMILY) return true;
      if (part->nlmsg_type == NLMSG_DONE || part->nlmsg_type == NLMSG_ERROR) return false;
    }
  }
}

}  // namespace

bool HasHalfOpenConnections(int listener) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  // The port stands at the same place in both families' addresses.
  const in_port_t port = reinterpret_cast<const sockaddr_in*>(&address)->sin_port;
  const UniqueFd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink.ok()) return false;
  // Port 0 in the request would mean all ports; a listener always has one. Sent to no address, a message of netlink
  // goes to the kernel, and the kernel gives the socket an address to answer to.
  const DumpRequest request = MakeRequest(address.ss_family, port);
  if (::send(netlink.get(), &request, sizeof(request), 0) != static_cast<ssize_t>(sizeof(request))) return false;
  return NamesOne(netlink.get());
}

}  // namespace polyserve
