// Endpoint: an IPv4 or IPv6 address and a port, in the form that the kernel takes:
//
//   ::bind(fd, endpoint.address(), endpoint.size());
//
// Endpoints: all addresses that a name stands for. Both are values: copy them freely, in any thread. Only the two
// Parse() functions may block, for as long as the resolver waits for its name servers (resolv.conf(5): by default 5
// seconds for each attempt), so a loop that serves clients must not call them.
#ifndef POLYSERVE_NET_ENDPOINT_H_
#define POLYSERVE_NET_ENDPOINT_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/ip_address.h"

namespace polyserve {

class Endpoint {
 public:
  Endpoint() = default;

  // From "HOST:PORT"; the host is an address ("127.0.0.1", "[::1]") or a name, which is looked up (this may block), and
  // of whose addresses the first counts. Port 0 has the kernel choose one when a socket is bound to it.
  //   InvalidArgument  it does not have this form, or the port is not 0 to 65535
  //   NotFound         the name cannot be resolved, or has no IP address
  static absl::StatusOr<Endpoint> Parse(absl::string_view text);

  // From what accept(2), recvmsg(2) or getsockname(2) has filled in; AF_INET or AF_INET6. Others make no sense here.
  static Endpoint FromAddress(const sockaddr_storage& address);
  // From what knows no socket, and back. Without the scope of a link-local address, which an IpAddress has none of; and
  // an IPv4 address is one in both forms (AsV4()).
  explicit Endpoint(const AddressPort& address);
  AddressPort AsAddressPort() const;
  // The address that a socket is bound to, with the port that the kernel has chosen for port 0.
  static absl::StatusOr<Endpoint> OfSocket(int fd);
  // The address that a socket is connected to. Fails if the peer has left already (ENOTCONN).
  static absl::StatusOr<Endpoint> OfPeer(int fd);

  // AF_INET or AF_INET6; AF_UNSPEC if it was never set.
  int family() const { return any_.sa_family; }
  // For system calls; valid as long as this object. Of an endpoint that was never set, size() is that of IPv4.
  const sockaddr* address() const { return &any_; }
  socklen_t size() const { return family() == AF_INET6 ? sizeof(v6_) : sizeof(v4_); }
  uint16_t port() const { return ntohs(family() == AF_INET6 ? v6_.sin6_port : v4_.sin_port); }

  // No address in particular: 0.0.0.0 or [::], or an endpoint that was never set.
  bool is_wildcard() const;

  // The same IPv4 address as a socket of IPv6 writes it (::ffff:127.0.0.1), and back. Addresses of the other kind stay
  // as they are. A socket of IPv6 takes an IPv4 peer only in the first form; what is kept of a peer is in the second.
  Endpoint AsV6() const;
  Endpoint AsV4() const;

  // In numbers, never looked up: for logs, and for Parse().
  std::string Host() const;      // "127.0.0.1", "::1"
  std::string ToString() const;  // "127.0.0.1:8080", "[::1]:8080"

  // Equal if family, address and port are, and for IPv6 the scope. An IPv4 address and its IPv6 form (AsV6()) differ.
  friend bool operator==(const Endpoint& a, const Endpoint& b);
  template <typename H>
  friend H AbslHashValue(H hash, const Endpoint& endpoint) {
    hash = H::combine(std::move(hash), endpoint.family(), endpoint.port());
    if (endpoint.family() != AF_INET6) return H::combine(std::move(hash), endpoint.v4_.sin_addr.s_addr);
    const absl::string_view bytes(reinterpret_cast<const char*>(&endpoint.v6_.sin6_addr), sizeof(in6_addr));
    return H::combine(std::move(hash), bytes, endpoint.v6_.sin6_scope_id);
  }

 private:
  union {
    sockaddr_in6 v6_ = {};  // The largest, so that all of it is zero.
    sockaddr_in v4_;
    sockaddr any_;
  };
};

// What a client connects to: the addresses of one name, in the order in which to try them (RFC 6724, as getaddrinfo(3)
// has it), each once. A name like "localhost" has several, and a server may listen on only one of them.
class Endpoints {
 public:
  Endpoints() = default;
  explicit Endpoints(std::vector<Endpoint> all) : all_(std::move(all)) {}
  Endpoints(const Endpoint& only) : all_{only} {}  // NOLINT: an endpoint is as good wherever several would do.

  // As Endpoint::Parse(), with all addresses, and the same errors.
  static absl::StatusOr<Endpoints> Parse(absl::string_view text);

  const std::vector<Endpoint>& all() const { return all_; }  // One at least, unless it was never set.
  std::string ToString() const;                              // The first one.

 private:
  std::vector<Endpoint> all_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_ENDPOINT_H_
