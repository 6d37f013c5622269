#include "access/address_set.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace polyserve {

namespace {

constexpr int kV4Bits = 32;
constexpr int kV6Bits = 128;

// Whether the bit of an address is set, counted from its beginning.
bool BitOf(const IpAddress& address, int bit) { return (address.bytes()[bit / 8] >> (7 - bit % 8) & 1) != 0; }

// Without the scope of a link-local address.
std::optional<IpAddress> ParseAddress(absl::string_view text) {
  return IpAddress::Parse(text.substr(0, text.find('%')));
}

}  // namespace

absl::StatusOr<AddressSet> AddressSet::Parse(absl::string_view text) {
  AddressSet set;
  for (const absl::string_view entry : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(entry, absl::MaxSplits('/', 1));
    const std::optional<IpAddress> address = ParseAddress(parts[0]);
    if (!address.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("'", entry, "' is not an address such as 10.0.0.0/8 or ::1"));
    }
    const int own_bits = absl::StrContains(parts[0], ':') ? kV6Bits : kV4Bits;
    Network network{*address, own_bits};
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

bool AddressSet::IsIn(const IpAddress& address, const Network& network) {
  for (int bit = 0; bit < network.bits; ++bit) {
    if (BitOf(address, bit) != BitOf(network.address, bit)) return false;
  }
  return true;
}

bool AddressSet::Contains(absl::string_view text) const {
  if (networks_.empty()) return true;
  const std::optional<IpAddress> address = ParseAddress(text);
  return address.has_value() && std::any_of(networks_.begin(), networks_.end(),
                                            [&address](const Network& network) { return IsIn(*address, network); });
}

}  // namespace polyserve
