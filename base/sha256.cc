#include "base/sha256.h"

#include <cstdint>

#include "absl/strings/escaping.h"

namespace polyserve {

Sha256::Sha256() { ::sha256_init(&context_); }

void Sha256::Add(absl::string_view bytes) {
  ::sha256_update(&context_, bytes.size(), reinterpret_cast<const uint8_t*>(bytes.data()));
}

std::string Sha256::Hex() {
  char digest[SHA256_DIGEST_SIZE];
  ::sha256_digest(&context_, sizeof(digest), reinterpret_cast<uint8_t*>(digest));
  return absl::BytesToHexString(absl::string_view(digest, sizeof(digest)));
}

}  // namespace polyserve
