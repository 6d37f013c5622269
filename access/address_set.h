// AddressSet: the addresses that a flag lists (--admin_from, --proxy_protocol_from): "127.0.0.1", "10.0.0.0/8",
// "fd00::/8". Immutable: any thread may use it.
#ifndef POLYSERVE_ACCESS_ADDRESS_SET_H_
#define POLYSERVE_ACCESS_ADDRESS_SET_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/ip_address.h"

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
  struct Network {
    IpAddress address;
    int bits;  // Of the 128.
  };

  static bool IsIn(const IpAddress& address, const Network& network);

  std::vector<Network> networks_;  // Empty: all addresses.
};

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_ADDRESS_SET_H_
