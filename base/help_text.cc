#include "base/help_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace polyserve {

namespace {

// Where the second column begins: behind most of the flags.
constexpr size_t kTextColumn = 26;

// Appends the words of the text to `lines`, whose last line ends in column `column`. Further lines begin in column
// `indent`.
void Wrap(absl::string_view text, size_t column, size_t indent, std::string& lines) {
  bool at_begin = true;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (!at_begin && column + 1 + word.size() > kHelpColumns) {
      absl::StrAppend(&lines, "\n", std::string(indent, ' '));
      column = indent;
      at_begin = true;
    }
    absl::StrAppend(&lines, at_begin ? "" : " ", word);
    column += word.size() + (at_begin ? 0 : 1);
    at_begin = false;
  }
}

}  // namespace

std::string HelpEntry(absl::string_view head, absl::string_view text) {
  std::string lines = absl::StrCat("  ", head);
  if (lines.size() + 2 <= kTextColumn) {
    lines.resize(kTextColumn, ' ');
  } else {
    absl::StrAppend(&lines, "\n", std::string(kTextColumn, ' '));
  }
  Wrap(text, kTextColumn, kTextColumn, lines);
  return absl::StrCat(lines, "\n");
}

std::string HelpParagraph(absl::string_view text) {
  std::string lines;
  Wrap(text, 0, 0, lines);
  return absl::StrCat(lines, "\n");
}

}  // namespace polyserve
