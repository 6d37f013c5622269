// Completion: what the tab key adds to a line of the prompt. Text only; LineEditor has the terminal.
//
//   "g"          "et "               a command
//   "get two w"  "ords.txt"          a name on the server, if there is only one that begins so
//   "get a"      as far as all names that begin so agree; if that is not a letter, they are the choices
//
// Paths on this machine are libedit's: IsTypingPath() tells where they are expected.
#ifndef POLYSERVE_CLIENT_COMPLETION_H_
#define POLYSERVE_CLIENT_COMPLETION_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace polyserve {

// Returns the names of the files on the server; valid until the next call. May block.
using NameSource = std::function<const std::vector<std::string>&()>;

struct Completion {
  std::string insert;                // What to add at the cursor; empty if nothing is certain.
  std::vector<std::string> choices;  // If nothing is certain: all that may be meant, in the order of the source.
};

// True if `typed`, the line up to the cursor, goes on with a path: behind "put ", and behind the " as " of get.
bool IsTypingPath(absl::string_view typed);

// Completes `typed`. `names` is called only if a name on the server is being typed. Names that the prompt could not
// tell from something else (with quotes, or with " as " for get) are left out, unless a quote begins the name.
Completion CompleteLine(absl::string_view typed, const NameSource& names);

// The choices as lines of at most `columns`, side by side, with line ends; only their number if there are too many to
// be read. A choice that is wider has a line of its own.
std::string ChoicesAsText(absl::Span<const std::string> choices, size_t columns);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_COMPLETION_H_
