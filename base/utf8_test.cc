// What is UTF-8 and what only looks like it.
#include "base/utf8.h"

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(Utf8Test, AcceptsTextOfEveryLength) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain"));
  EXPECT_TRUE(IsUtf8("caf\xC3\xA9 \xE7\xAE\xA1\xE7\x90\x86\xE5\x91\x98 \xF0\x9F\x90\xA7"));
  EXPECT_TRUE(IsUtf8("\xF4\x8F\xBF\xBF"));  // U+10FFFF
}

TEST(Utf8Test, RefusesWhatIsCutShort) {
  EXPECT_FALSE(IsUtf8("\xC3"));
  EXPECT_FALSE(IsUtf8("\xE7\xAE"));
  EXPECT_FALSE(IsUtf8("\xF0\x9F\x90"));
  EXPECT_FALSE(IsUtf8("\xC3("));
}

TEST(Utf8Test, RefusesOverlongFormsSurrogatesAndWhatIsTooLarge) {
  EXPECT_FALSE(IsUtf8("\xC0\xAF"));  // '/' in two bytes: the classic way past a path check.
  EXPECT_FALSE(IsUtf8("\xE0\x80\xAF"));
  EXPECT_FALSE(IsUtf8("\xF0\x80\x80\xAF"));
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));      // U+D800
  EXPECT_FALSE(IsUtf8("\xF4\x90\x80\x80"));  // U+110000
  EXPECT_FALSE(IsUtf8("\x80"));
  EXPECT_FALSE(IsUtf8("\xFF"));
}

}  // namespace
}  // namespace polyserve
