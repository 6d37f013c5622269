// AddressSet: the addresses that --admin_from lists: "127.0.0.1", "10.0.0.0/8", "fd00::/8". Immutable: any thread may
// use it.
#ifndef POLYSERVE_ACCESS_ADDRESS_SET_H_
#define POLYSERVE_ACCESS_ADDRESS_SET_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

class AddressSet {
 public:
  // All addresses.
  AddressSet() = default;

  // From a list with commas between its addresses, each with "/" and the number of its leading bits that count, or all
  // of them. InvalidArgument, with the entry, if one is malformed or has bits behind those that count.
  static absl::StatusOr<AddressSet> Parse(absl::string_view text);

  // `address` as Session::OnPeer() has it. Text that is no address is in no set but that of all.
  bool Contains(absl::string_view address) const;

  bool has_all() const { return networks_.empty(); }

 private:
  // An IPv4 address is kept in the form that it has as one of IPv6 (RFC 4291, section 2.5.5.2), so that all have one
  // length.
  using Address = std::array<uint8_t, 16>;
  struct Network {
    Address address;
    int bits;
  };

  static bool ParseAddress(absl::string_view text, Address& address, int& bits);
  static bool IsIn(const Address& address, const Network& network);

  std::vector<Network> networks_;  // Empty: all addresses.
};

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_ADDRESS_SET_H_
