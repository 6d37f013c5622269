// The layout of help texts: entries of two columns and paragraphs, none wider than kHelpColumns. tools/manual makes the
// manual pages and the completion of shells from what these functions print, so the layout is also a format:
//
//   Time limits:                                              a topic: a line that ends with a colon
//     --idle_timeout=TIME   close a connection on which       an entry: a head, at least two blanks, and its text
//                           nothing moves for this long
//     --reap=ignore|wait|double_fork                          a head that is too long for its column
//                           how ended children ...
//
// Pure functions, for any thread.
#ifndef POLYSERVE_BASE_HELP_TEXT_H_
#define POLYSERVE_BASE_HELP_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// Wide enough for flags beside their meanings, and narrow enough for two terminals side by side on a screen. Counted in
// bytes, of which no character has fewer than it takes columns.
inline constexpr size_t kHelpColumns = 100;

// An entry, with a line end: `head` behind two blanks, `text` in the second column, wrapped. A head that leaves no room
// has a line of its own. A word that is longer than a column stays whole.
std::string HelpEntry(absl::string_view head, absl::string_view text);

// A paragraph, wrapped, with a line end.
std::string HelpParagraph(absl::string_view text);

}  // namespace polyserve

#endif  // POLYSERVE_BASE_HELP_TEXT_H_
