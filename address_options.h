// The flags that list addresses: whose requests the server's own pages are for, and whose headers of the PROXY protocol
// are believed.
#ifndef POLYSERVE_ADDRESS_OPTIONS_H_
#define POLYSERVE_ADDRESS_OPTIONS_H_

#include <optional>

#include "absl/status/statusor.h"
#include "access/address_set.h"

namespace polyserve {

struct AddressOptions {
  AddressSet admin_from;                // All unless the flag says otherwise.
  std::optional<AddressSet> balancers;  // Nothing: nobody is a load balancer.
};

// After the flags were parsed. Returns InvalidArgument, with one line for the user, if an entry is no address.
absl::StatusOr<AddressOptions> AddressOptionsFromFlags();

}  // namespace polyserve

#endif  // POLYSERVE_ADDRESS_OPTIONS_H_
