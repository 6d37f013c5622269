// Characters and line ends of HTTP's grammar (RFC 9110, section 5; RFC 9112, section 2.2). Shared by HttpHeadFinder and
// HttpChunks, so that the head and the chunks of a request are read by the same rules.
//
// Line ends are where request smuggling begins. Section 2.2 of RFC 9112 lets a recipient take a bare LF for the end of
// a line, and some take a bare CR; a proxy and a server that differ in this see different fields. Here a line ends with
// CR LF, and anything that another implementation could take for an end is an error.
//
// Pure functions, for any thread; they neither allocate nor block.
#ifndef POLYSERVE_PROTOCOL_HTTP_SYNTAX_H_
#define POLYSERVE_PROTOCOL_HTTP_SYNTAX_H_

#include <array>
#include <cstddef>

#include "absl/strings/string_view.h"

namespace polyserve {

namespace http_syntax_internal {

// A table, since every byte of a method and of a field name is looked up. Does not depend on the locale, as isalnum(3)
// would.
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

// True for the characters of a token (RFC 9110, section 5.6.2): a method, a field name, the name of a chunk extension.
inline bool IsHttpTokenChar(char c) { return http_syntax_internal::kTokenChars[static_cast<unsigned char>(c)]; }

// True for control characters, which a line may hold only as its end: CR, LF, NUL, DEL and the others; not for the tab.
inline bool IsHttpControl(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; }

// The position of the first control character from `begin` on; the text's size if there is none. Reads a word at a
// time, but never beyond the text.
size_t FindHttpControl(absl::string_view text, size_t begin);

// What FindHttpLineEnd() found.
enum class HttpLineEnd {
  kNone,        // No end yet; more input may bring it.
  kCrLf,        // The end.
  kBareLf,      // A LF without a CR, which laxer implementations take for an end: refuse it.
  kBadControl,  // A bare CR, or another control character: refuse it.
};

// Looks for the end of a line from `position` on, and sets `position`: to the CR of a CR LF, to the offending
// character, or to where the search must continue when there is more input (before a CR that may become CR LF). Pass
// that position back with the longer text: each byte is then searched once, however the input is sliced.
HttpLineEnd FindHttpLineEnd(absl::string_view text, size_t& position);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_SYNTAX_H_
