// KeyedHash: HMAC-SHA-256 (RFC 2104) under a key that only this server's processes know, and that changes with each
// start. It turns secrets and addresses into what may be kept in a table: without the key, nothing can be guessed from
// it.
#ifndef POLYSERVE_ACCESS_KEYED_HASH_H_
#define POLYSERVE_ACCESS_KEYED_HASH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "absl/strings/string_view.h"

namespace polyserve {

using HashKey = std::array<uint8_t, 32>;
using HashDigest = std::array<uint64_t, 4>;

// A key of the system's random numbers. Blocks only while the system has not started its generator, at boot.
HashKey NewHashKey();

// The hash of the parts, together with where one ends: ("ab", "c") and ("a", "bc") differ. About a microsecond. Any
// thread.
HashDigest KeyedHash(const HashKey& key, std::initializer_list<absl::string_view> parts);

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_KEYED_HASH_H_
