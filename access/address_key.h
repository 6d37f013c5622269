// AddressKey: the number by which a table in shared memory knows an address. It is a keyed hash, so nobody can choose
// addresses whose places in a table collide.
#ifndef POLYSERVE_ACCESS_ADDRESS_KEY_H_
#define POLYSERVE_ACCESS_ADDRESS_KEY_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "access/keyed_hash.h"

namespace polyserve {

// `address` as Session::OnPeer() has it. IPv6 addresses with the same first 64 bits are one, since a network gives each
// customer at least that many (RFC 6177). Never 0. About a microsecond; any thread.
uint64_t AddressKey(const HashKey& key, absl::string_view address);

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_ADDRESS_KEY_H_
