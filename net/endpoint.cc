#include "net/endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <array>
#include <cstring>
#include <memory>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

absl::Status ParseError(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not an address: ", why,
                                                 "; write HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080"));
}

}  // namespace

// getaddrinfo(3) puts the address first that RFC 6724 prefers.
absl::StatusOr<Endpoint> Endpoint::Parse(absl::string_view text) {
  const absl::StatusOr<Endpoints> found = Endpoints::Parse(text);
  if (!found.ok()) return found.status();
  return found->all().front();
}

// The last colon separates the port, and an IPv6 address without brackets is refused: "::1:80" could be an address as
// well (RFC 3986, section 3.2.2, has the brackets). SOCK_STREAM keeps getaddrinfo(3) from listing each address once for
// each type of socket; the addresses serve for UDP as well.
// AI_NUMERICSERV says that the port is a number by now, so /etc/services need not be searched. AI_ADDRCONFIG is not
// given: loopback addresses do not count for it, so "localhost" could lose its ::1 on a host without other addresses of
// IPv6.
absl::StatusOr<Endpoints> Endpoints::Parse(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return ParseError(text, "the port is missing");
  std::string host(text.substr(0, colon));
  const absl::string_view port = text.substr(colon + 1);
  // A digit must come first, because SimpleAtoi() alone would also take blanks and a sign.
  uint32_t number = 0;
  if (port.empty() || !absl::ascii_isdigit(port[0]) || !absl::SimpleAtoi(port, &number) || number > 65535) {
    return ParseError(text, "the port must be a number from 0 to 65535");
  }
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return ParseError(text, "an IPv6 address needs brackets");
  }
  if (host.empty()) return ParseError(text, "the host is missing");

  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(number).c_str(), &hints, &found);
  if (error != 0)
    return absl::NotFoundError(absl::StrCat("cannot find the host '", host, "': ", ::gai_strerror(error)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, &::freeaddrinfo);
  Endpoints endpoints;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    sockaddr_storage address = {};
    std::memcpy(&address, each->ai_addr, each->ai_addrlen);
    const Endpoint endpoint = Endpoint::FromAddress(address);
    // A name may be in /etc/hosts twice.
    if (absl::c_linear_search(endpoints.all_, endpoint)) continue;
    endpoints.all_.push_back(endpoint);
  }
  if (endpoints.all_.empty()) return absl::NotFoundError(absl::StrCat("the host '", host, "' has no IP address"));
  return endpoints;
}

std::string Endpoints::ToString() const { return all_.empty() ? "nowhere" : all_.front().ToString(); }

// Copies no more than the family has: behind it, a sockaddr_storage may hold anything.
Endpoint Endpoint::FromAddress(const sockaddr_storage& address) {
  Endpoint endpoint;
  if (address.ss_family == AF_INET6) {
    std::memcpy(&endpoint.v6_, &address, sizeof(endpoint.v6_));
  } else {
    std::memcpy(&endpoint.v4_, &address, sizeof(endpoint.v4_));
  }
  return endpoint;
}

Endpoint::Endpoint(const AddressPort& address) {
  const std::array<uint8_t, IpAddress::kV6Bytes>& bytes = address.address.bytes();
  v6_.sin6_family = AF_INET6;
  v6_.sin6_port = htons(address.port);
  std::memcpy(&v6_.sin6_addr, bytes.data(), bytes.size());
  *this = AsV4();
}

AddressPort Endpoint::AsAddressPort() const {
  const absl::string_view bytes =
      family() == AF_INET6 ? absl::string_view(reinterpret_cast<const char*>(&v6_.sin6_addr), IpAddress::kV6Bytes)
                           : absl::string_view(reinterpret_cast<const char*>(&v4_.sin_addr), IpAddress::kV4Bytes);
  return {IpAddress::FromBytes(bytes), port()};
}

absl::StatusOr<Endpoint> Endpoint::OfSocket(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return SysError("getsockname");
  return FromAddress(address);
}

absl::StatusOr<Endpoint> Endpoint::OfPeer(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return SysError("getpeername");
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) {
    return absl::FailedPreconditionError("the peer has no address of IP");
  }
  return FromAddress(address);
}

bool Endpoint::is_wildcard() const {
  if (family() == AF_INET6) return IN6_IS_ADDR_UNSPECIFIED(&v6_.sin6_addr);
  // INADDR_ANY is 0, and so is the address of an endpoint that was never set.
  return v4_.sin_addr.s_addr == INADDR_ANY;
}

// IPv4-mapped, ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). The ten bytes in front stay zero.
Endpoint Endpoint::AsV6() const {
  if (family() != AF_INET) return *this;
  Endpoint mapped;
  mapped.v6_.sin6_family = AF_INET6;
  mapped.v6_.sin6_port = v4_.sin_port;
  mapped.v6_.sin6_addr.s6_addr[10] = 0xff;
  mapped.v6_.sin6_addr.s6_addr[11] = 0xff;
  std::memcpy(&mapped.v6_.sin6_addr.s6_addr[12], &v4_.sin_addr, sizeof(v4_.sin_addr));
  return mapped;
}

Endpoint Endpoint::AsV4() const {
  if (family() != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6_.sin6_addr)) return *this;
  Endpoint plain;
  plain.v4_.sin_family = AF_INET;
  plain.v4_.sin_port = v6_.sin6_port;
  std::memcpy(&plain.v4_.sin_addr, &v6_.sin6_addr.s6_addr[12], sizeof(plain.v4_.sin_addr));
  return plain;
}

// By fields, not by bytes: sockaddr_in has padding, and the kernel fills in a flow label that is no part of an address.
bool operator==(const Endpoint& a, const Endpoint& b) {
  if (a.family() != b.family() || a.port() != b.port()) return false;
  if (a.family() != AF_INET6) return a.v4_.sin_addr.s_addr == b.v4_.sin_addr.s_addr;
  return IN6_ARE_ADDR_EQUAL(&a.v6_.sin6_addr, &b.v6_.sin6_addr) && a.v6_.sin6_scope_id == b.v6_.sin6_scope_id;
}

// Empty for an endpoint that was never set: inet_ntop(3) refuses the family. The scope of a link-local address is not
// written: inet_ntop(3) does not know it.
std::string Endpoint::Host() const {
  char host[INET6_ADDRSTRLEN] = "";
  const bool is_v6 = family() == AF_INET6;
  ::inet_ntop(family(), is_v6 ? static_cast<const void*>(&v6_.sin6_addr) : &v4_.sin_addr, host, sizeof(host));
  return host;
}

std::string Endpoint::ToString() const {
  return family() == AF_INET6 ? absl::StrCat("[", Host(), "]:", port()) : absl::StrCat(Host(), ":", port());
}

}  // namespace polyserve
