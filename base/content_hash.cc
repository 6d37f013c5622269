#include "base/content_hash.h"

namespace polyserve {

ContentHash::ContentHash() { ::sha256_init(&context_); }

void ContentHash::Add(absl::string_view bytes) {
  ::sha256_update(&context_, bytes.size(), reinterpret_cast<const uint8_t*>(bytes.data()));
}

int64_t ContentHash::Value() {
  // Nettle truncates: it writes the first bytes of the digest if it is asked for fewer than all 32.
  uint8_t digest[sizeof(uint64_t)];
  ::sha256_digest(&context_, sizeof(digest), digest);
  uint64_t value = 0;
  // The first byte counts most, so that the value can be checked by hand: it is half of what the first 16 digits of
  // sha256sum(1) say.
  for (const uint8_t byte : digest) value = value << 8 | byte;
  // The shift leaves the sign bit clear, so that the text of a reply never has a minus.
  return static_cast<int64_t>(value >> 1);
}

}  // namespace polyserve
