#include "base/utf8.h"

#include <cstdint>

namespace polyserve {

size_t Utf8Length(absl::string_view bytes) {
  if (bytes.empty()) return 0;
  const uint8_t lead = static_cast<uint8_t>(bytes[0]);
  // C0 and C1 could only begin overlong forms, F5 to FF characters above U+10FFFF; 80 to BF never come first.
  const size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length > bytes.size()) return 0;
  for (size_t k = 1; k < length; ++k) {
    const uint8_t byte = static_cast<uint8_t>(bytes[k]);
    // Only the second byte can make a form overlong, a surrogate, or too large (RFC 3629, section 4). Behind E0 and F0
    // a smaller one would begin an overlong form; behind ED a larger one would be a half of a UTF-16 pair (U+D800 to
    // U+DFFF); behind F4 it would exceed U+10FFFF, the end of what UTF-16 can express.
    const uint8_t low = k > 1 ? 0x80 : lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = k > 1 ? 0xBF : lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte < low || byte > high) return 0;
  }
  return length;
}

bool IsUtf8(absl::string_view bytes) {
  while (!bytes.empty()) {
    const size_t length = Utf8Length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

}  // namespace polyserve
