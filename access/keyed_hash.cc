#include "access/keyed_hash.h"

#include <nettle/hmac.h>
#include <sys/random.h>

#include <cerrno>

#include "base/logging.h"

namespace polyserve {

// getrandom(2) returns fewer bytes than asked for only above 256, or if a signal interrupts the wait for the generator.
HashKey NewHashKey() {
  HashKey key;
  while (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    PCHECK(errno == EINTR) << "the system has no random numbers";
  }
  return key;
}

// The length in front of each part: no separator is safe, since a secret may hold any byte.
HashDigest KeyedHash(const HashKey& key, std::initializer_list<absl::string_view> parts) {
  hmac_sha256_ctx context;
  ::hmac_sha256_set_key(&context, key.size(), key.data());
  for (const absl::string_view part : parts) {
    const uint64_t size = part.size();
    ::hmac_sha256_update(&context, sizeof(size), reinterpret_cast<const uint8_t*>(&size));
    ::hmac_sha256_update(&context, part.size(), reinterpret_cast<const uint8_t*>(part.data()));
  }
  HashDigest digest;
  ::hmac_sha256_digest(&context, sizeof(digest), reinterpret_cast<uint8_t*>(digest.data()));
  return digest;
}

}  // namespace polyserve
