// HTTP's characters and line ends.
#include "protocol/http/syntax.h"

#include <string>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(HttpSyntaxTest, KnowsTokenCharacters) {
  const std::string expected = "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~";
  std::string all;
  for (int c = 0; c < 256; ++c) {
    if (IsHttpTokenChar(static_cast<char>(c))) all += static_cast<char>(c);
  }
  EXPECT_EQ(all, expected);
}

// At every position in a word of eight bytes, whatever is around it.
TEST(HttpSyntaxTest, FindsEachControlCharacterAndNoOther) {
  for (int c = 0; c < 256; ++c) {
    const bool is_control = (c < 0x20 && c != '\t') || c == 0x7F;
    for (size_t at = 0; at < 20; ++at) {
      std::string text(20, at % 2 == 0 ? '\t' : '\xff');
      text[at] = static_cast<char>(c);
      EXPECT_EQ(FindHttpControl(text, 0), is_control ? at : text.size()) << c << " at " << at;
      EXPECT_EQ(FindHttpControl(text, at + 1), text.size());
    }
  }
}

TEST(HttpSyntaxTest, TellsLineEndsFromWhatOthersMayTakeForThem) {
  const struct {
    absl::string_view text;
    HttpLineEnd end;
    size_t position;
  } kCases[] = {{"ab\r\ncd", HttpLineEnd::kCrLf, 2},
                {"ab", HttpLineEnd::kNone, 2},
                {"ab\r", HttpLineEnd::kNone, 2},
                {"ab\ncd\r\n", HttpLineEnd::kBareLf, 2},
                {"ab\rcd", HttpLineEnd::kBadControl, 2},
                {"ab\x7f\r\n", HttpLineEnd::kBadControl, 2},
                {"", HttpLineEnd::kNone, 0},
                {"a\tb\xff\r\n", HttpLineEnd::kCrLf, 4}};
  for (const auto& one : kCases) {
    size_t position = 0;
    EXPECT_EQ(FindHttpLineEnd(one.text, position), one.end) << one.text;
    EXPECT_EQ(position, one.position) << one.text;
  }
}

}  // namespace
}  // namespace polyserve
