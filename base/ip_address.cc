#include "base/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

// In front of an IPv4 address that is written as one of IPv6.
constexpr uint8_t kMapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::optional<IpAddress> IpAddress::Parse(absl::string_view text) {
  // inet_pton(3) would take what is in front of a zero byte for the whole.
  if (absl::StrContains(text, '\0')) return std::nullopt;
  const std::string copy(text);
  const bool is_v6 = absl::StrContains(text, ':');
  char bytes[kV6Bytes];
  if (::inet_pton(is_v6 ? AF_INET6 : AF_INET, copy.c_str(), bytes) != 1) return std::nullopt;
  return FromBytes(absl::string_view(bytes, is_v6 ? kV6Bytes : kV4Bytes));
}

IpAddress IpAddress::FromBytes(absl::string_view bytes) {
  IpAddress address;
  if (bytes.size() == kV4Bytes) std::memcpy(address.bytes_.data(), kMapped, sizeof(kMapped));
  std::memcpy(address.bytes_.data() + (kV6Bytes - bytes.size()), bytes.data(), bytes.size());
  return address;
}

bool IpAddress::is_v4() const { return std::equal(std::begin(kMapped), std::end(kMapped), bytes_.begin()); }

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  return is_v4() ? ::inet_ntop(AF_INET, bytes_.data() + sizeof(kMapped), text, sizeof(text))
                 : ::inet_ntop(AF_INET6, bytes_.data(), text, sizeof(text));
}

std::string AddressPort::ToString() const {
  const std::string host = address.ToString();
  return address.is_v4() ? absl::StrCat(host, ":", port) : absl::StrCat("[", host, "]:", port);
}

}  // namespace polyserve
