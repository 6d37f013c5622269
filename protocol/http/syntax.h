// Characters of HTTP's grammar (RFC 9110, section 5; RFC 9112, section 2.2), for all that looks at lines.
#ifndef POLYSERVE_PROTOCOL_HTTP_SYNTAX_H_
#define POLYSERVE_PROTOCOL_HTTP_SYNTAX_H_

#include <array>
#include <cstddef>

#include "absl/strings/string_view.h"

namespace polyserve {

namespace http_syntax_internal {

constexpr std::array<bool, 256> MakeTokenChars() {
  std::array<bool, 256> table = {};
  for (size_t c = '0'; c <= '9'; ++c) table[c] = true;
  for (size_t c = 'A'; c <= 'Z'; ++c) table[c] = table[c - 'A' + 'a'] = true;
  for (const unsigned char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    table[c] = true;
  }
  return table;
}

inline constexpr std::array<bool, 256> kTokenChars = MakeTokenChars();

}  // namespace http_syntax_internal

// A character of a token: of a method, a field's name, the name of a chunk extension.
inline bool IsHttpTokenChar(char c) { return http_syntax_internal::kTokenChars[static_cast<unsigned char>(c)]; }

// No line holds one, except for its own end: CR, LF, NUL and the others, but not the tab.
inline bool IsHttpControl(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; }

// The position of the first control character from `begin` on; the text's size if there is none.
size_t FindHttpControl(absl::string_view text, size_t begin);

// What is found where a line may end.
enum class HttpLineEnd {
  kNone,        // More input may bring it.
  kCrLf,        // At the position.
  kBareLf,      // Others may take it for a line's end.
  kBadControl,  // A bare CR, or another control character.
};

// Looks for the end of a line from `position` on, and moves `position` to it: to the CR of CR LF, to the character that
// must not be there, or to where the search has to go on.
HttpLineEnd FindHttpLineEnd(absl::string_view text, size_t& position);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_SYNTAX_H_
