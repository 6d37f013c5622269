// Printable: text that came from a peer, made harmless for a terminal, a page or a line of a log.
#ifndef POLYSERVE_BASE_PRINTABLE_H_
#define POLYSERVE_BASE_PRINTABLE_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// The text with everything escaped that could move a terminal's cursor, end a line, or make a reader see another text
// than the one that is there (an attack known as log injection, or with bidirectional controls as "Trojan Source"):
//   \xNN    control characters (C0, DEL, C1) and bytes that are not UTF-8
//   \uNNNN  bidirectional controls, line and paragraph separators, invisible characters and tags (five digits above
//           U+FFFF); the joiners that scripts and emoji need are left alone
// All other characters stay as they are, so that printable text comes back unchanged. A backslash stays one, so the
// result cannot be turned back with certainty: it is for reading. At most four times as long as the text.
std::string Printable(absl::string_view text);

// Text as the inside of a string of JSON, without its quotes: with the escapes of JSON for what Printable() escapes,
// and U+FFFD for each byte that is not UTF-8. No longer than `most` bytes: what is beyond that is cut off between two
// characters, and `cut_mark`, printable ASCII of at most that size, stands in its place.
std::string JsonEscaped(absl::string_view text, size_t most, absl::string_view cut_mark);

// Printable() for text that is JSON already: each character becomes an escape that JSON knows. Line ends stay.
std::string PrintableJson(absl::string_view json);

}  // namespace polyserve

#endif  // POLYSERVE_BASE_PRINTABLE_H_
