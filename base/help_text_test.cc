// The layout of help texts, which people read and tools/manual parses.
#include "base/help_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace polyserve {

namespace {

TEST(HelpTextTest, TextStandsBesideItsHead) {
  EXPECT_EQ(HelpEntry("--root=DIR", "the directory"), "  --root=DIR              the directory\n");
}

TEST(HelpTextTest, HeadThatFillsItsColumnHasALineOfItsOwn) {
  EXPECT_EQ(HelpEntry(std::string(22, 'x'), "text"), absl::StrCat("  ", std::string(22, 'x'), "  text\n"));
  EXPECT_EQ(HelpEntry(std::string(23, 'x'), "text"),
            absl::StrCat("  ", std::string(23, 'x'), "\n", std::string(26, ' '), "text\n"));
}

TEST(HelpTextTest, LongTextIsWrappedInItsColumn) {
  std::string text;
  for (int i = 0; i < 60; ++i) absl::StrAppend(&text, "word", i, " ");
  const std::string entry = HelpEntry("--flag", text);
  const std::vector<absl::string_view> lines = absl::StrSplit(entry, '\n', absl::SkipEmpty());
  EXPECT_EQ(lines.size(), 6u);
  std::string words;
  for (const absl::string_view line : lines) {
    EXPECT_LE(line.size(), kHelpColumns) << line;
    EXPECT_EQ(line.substr(0, 26),
              words.empty() ? absl::StrCat("  --flag", std::string(18, ' ')) : std::string(26, ' '));
    absl::StrAppend(&words, line.substr(26), " ");
  }
  EXPECT_EQ(words, text);
}

TEST(HelpTextTest, WordThatIsTooLongStaysWhole) {
  const std::string word(200, 'x');
  EXPECT_EQ(HelpParagraph(absl::StrCat("a ", word, " b")), absl::StrCat("a\n", word, "\nb\n"));
}

TEST(HelpTextTest, ParagraphBeginsAtTheMargin) {
  EXPECT_EQ(HelpParagraph("one two"), "one two\n");
  EXPECT_EQ(HelpParagraph(absl::StrCat(std::string(97, 'x'), " yy z")), absl::StrCat(std::string(97, 'x'), " yy\nz\n"));
}

}  // namespace

}  // namespace polyserve
