// IpAddress: an address of IPv4 or IPv6 without a port; AddressPort: with one. For what knows no socket; net/endpoint.h
// has the form that the kernel takes. Both are values: copy them freely, in any thread.
#ifndef POLYSERVE_BASE_IP_ADDRESS_H_
#define POLYSERVE_BASE_IP_ADDRESS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

class IpAddress {
 public:
  static constexpr size_t kV4Bytes = 4;
  static constexpr size_t kV6Bytes = 16;

  // From numbers, "192.0.2.1" or "2001:db8::1", without brackets, port or scope; nothing if the text is anything else.
  // Never asks a name server.
  static std::optional<IpAddress> Parse(absl::string_view text);
  // From kV4Bytes or kV6Bytes in the order of the network. REQUIRES: there are so many.
  static IpAddress FromBytes(absl::string_view bytes);

  // An IPv4 address has the form that it has as one of IPv6 (RFC 4291, section 2.5.5.2), so that all have one length.
  const std::array<uint8_t, kV6Bytes>& bytes() const { return bytes_; }
  // Also of an IPv4 address that was written as one of IPv6.
  bool is_v4() const;

  // In the one form that an address has in logs and limits: "192.0.2.1" also for ::ffff:192.0.2.1.
  std::string ToString() const;

  friend bool operator==(const IpAddress& a, const IpAddress& b) { return a.bytes_ == b.bytes_; }

 private:
  std::array<uint8_t, kV6Bytes> bytes_ = {};
};

struct AddressPort {
  IpAddress address = {};
  uint16_t port = 0;

  std::string ToString() const;  // "192.0.2.1:80", "[2001:db8::1]:80"
};

}  // namespace polyserve

#endif  // POLYSERVE_BASE_IP_ADDRESS_H_
