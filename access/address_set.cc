#include "access/address_set.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace polyserve {

namespace {

constexpr int kV4Bits = 32;
constexpr int kV6Bits = 128;
// In front of an IPv4 address that is written as one of IPv6.
constexpr uint8_t kMapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Whether the bit of an address is set, counted from its beginning.
bool BitOf(const std::array<uint8_t, 16>& address, int bit) { return (address[bit / 8] >> (7 - bit % 8) & 1) != 0; }

}  // namespace

// `bits` receives how many of the 128 an address of this kind can choose: 32 for IPv4.
bool AddressSet::ParseAddress(absl::string_view text, Address& address, int& bits) {
  const std::string copy(text.substr(0, text.find('%')));  // Without the scope of a link-local address.
  if (::inet_pton(AF_INET6, copy.c_str(), address.data()) == 1) {
    bits = kV6Bits;
    return true;
  }
  std::memcpy(address.data(), kMapped, sizeof(kMapped));
  bits = kV4Bits;
  return ::inet_pton(AF_INET, copy.c_str(), address.data() + sizeof(kMapped)) == 1;
}

absl::StatusOr<AddressSet> AddressSet::Parse(absl::string_view text) {
  AddressSet set;
  for (const absl::string_view entry : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(entry, absl::MaxSplits('/', 1));
    Network network;
    int own_bits = 0;
    if (!ParseAddress(parts[0], network.address, own_bits)) {
      return absl::InvalidArgumentError(absl::StrCat("'", entry, "' is not an address such as 10.0.0.0/8 or ::1"));
    }
    network.bits = own_bits;
    if (parts.size() == 2 &&
        (!absl::SimpleAtoi(parts[1], &network.bits) || network.bits < 0 || network.bits > own_bits)) {
      return absl::InvalidArgumentError(absl::StrCat("'", entry, "': the number of bits is 0 to ", own_bits));
    }
    network.bits += kV6Bits - own_bits;
    for (int bit = network.bits; bit < kV6Bits; ++bit) {
      if (!BitOf(network.address, bit)) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("'", entry, "' has bits behind the first ", network.bits - (kV6Bits - own_bits)));
    }
    set.networks_.push_back(network);
  }
  return set;
}

bool AddressSet::IsIn(const Address& address, const Network& network) {
  for (int bit = 0; bit < network.bits; ++bit) {
    if (BitOf(address, bit) != BitOf(network.address, bit)) return false;
  }
  return true;
}

bool AddressSet::Contains(absl::string_view text) const {
  if (networks_.empty()) return true;
  Address address;
  int bits = 0;
  if (!ParseAddress(text, address, bits)) return false;
  return std::any_of(networks_.begin(), networks_.end(),
                     [&address](const Network& network) { return IsIn(address, network); });
}

}  // namespace polyserve
