#include "access/address_key.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/match.h"

namespace polyserve {

namespace {

constexpr size_t kNetworkBytes = 8;  // Of an IPv6 address.

// What counts as one address: the bytes of an IPv6 network; any other text as it is.
std::string NetworkOf(absl::string_view address) {
  const std::string text(address.substr(0, address.find('%')));  // Without the scope of a link-local address.
  in6_addr v6;
  if (!absl::StrContains(text, ':') || ::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return text;
  return std::string(reinterpret_cast<const char*>(&v6), kNetworkBytes);
}

}  // namespace

// 0 stands for a free entry in the tables, so no address may have it.
uint64_t AddressKey(const HashKey& key, absl::string_view address) {
  return std::max<uint64_t>(1, KeyedHash(key, {NetworkOf(address)})[0]);
}

}  // namespace polyserve
