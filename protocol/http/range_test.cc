// HttpRanges: which parts a field selects, and which fields are ignored. files_test.cc has the replies.
#include "protocol/http/range.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

// "whole", "none", or the parts: "2+3 7+1" for 3 bytes from 2 on, and one from 7 on.
std::string Parse(absl::string_view field, int64_t size = 10) {
  const HttpRanges ranges = ParseHttpRanges(field, size);
  if (ranges.kind == HttpRanges::Kind::kWhole) return "whole";
  if (ranges.kind == HttpRanges::Kind::kUnsatisfiable) return "none";
  std::string parts;
  for (const HttpRange& part : ranges.parts)
    absl::StrAppend(&parts, parts.empty() ? "" : " ", part.begin, "+", part.length);
  return parts;
}

TEST(HttpRangeTest, TakesEveryForm) {
  EXPECT_EQ(Parse("bytes=2-4"), "2+3");
  EXPECT_EQ(Parse("Bytes=2-"), "2+8");
  EXPECT_EQ(Parse("bytes=-4"), "6+4");
  EXPECT_EQ(Parse("bytes=0-0, -1,\t3-3"), "0+1 9+1 3+1");
}

TEST(HttpRangeTest, CutsAtTheEndOfTheFile) {
  EXPECT_EQ(Parse("bytes=8-99"), "8+2");
  EXPECT_EQ(Parse("bytes=-99"), "0+10");
  EXPECT_EQ(Parse("bytes=0-9223372036854775807", INT64_MAX), absl::StrCat("0+", INT64_MAX));
}

TEST(HttpRangeTest, LeavesOutWhatIsBehindTheEnd) {
  EXPECT_EQ(Parse("bytes=10-,3-3"), "3+1");
  EXPECT_EQ(Parse("bytes=10-"), "none");
  EXPECT_EQ(Parse("bytes=-0"), "none");
}

TEST(HttpRangeTest, TakesAsManyAsTheBound) {
  std::string field = "bytes=0-0";
  for (size_t i = 1; i < kMaxHttpRanges; ++i) absl::StrAppend(&field, ",0-0");
  EXPECT_EQ(Parse(field, 100).size(), 4 * kMaxHttpRanges - 1);
  EXPECT_EQ(Parse(field + ",0-0", 100), "whole");
}

TEST(HttpRangeTest, IgnoresSetsThatAreMoreThanTheFile) {
  EXPECT_EQ(Parse("bytes=0-4,5-9"), "0+5 5+5");
  EXPECT_EQ(Parse("bytes=0-4,4-9"), "whole");
  EXPECT_EQ(Parse("bytes=0-9223372036854775806,0-9223372036854775806", INT64_MAX), "whole");
}

}  // namespace
}  // namespace polyserve
