// Endpoint: an IP address and a port.
#ifndef POLYSERVE_NET_ENDPOINT_H_
#define POLYSERVE_NET_ENDPOINT_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

class Endpoint {
 public:
  Endpoint() = default;

  // From "HOST:PORT"; the host is an address ("127.0.0.1", "[::1]") or a name, which is looked up (this may block).
  // InvalidArgument where it has not this form, or the port is not 0 to 65535. NotFound: the name means nothing.
  static absl::StatusOr<Endpoint> Parse(absl::string_view text);

  // From what accept() or getsockname() filled in.
  static Endpoint FromAddress(const sockaddr_storage& address);
  // Where a socket is bound to.
  static absl::StatusOr<Endpoint> OfSocket(int fd);

  int family() const { return any_.sa_family; }
  const sockaddr* address() const { return &any_; }
  socklen_t size() const { return family() == AF_INET6 ? sizeof(v6_) : sizeof(v4_); }
  uint16_t port() const { return ntohs(family() == AF_INET6 ? v6_.sin6_port : v4_.sin_port); }

  std::string ToString() const;  // "127.0.0.1:8080", "[::1]:8080"

 private:
  union {
    sockaddr any_ = {};
    sockaddr_in v4_;
    sockaddr_in6 v6_;
  };
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_ENDPOINT_H_
