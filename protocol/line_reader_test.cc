// LineReader: lines off the front, and the cost of looking for them.
#include "protocol/line_reader.h"

#include <string>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(LineReaderTest, TakesLinesAndLeavesTheRest) {
  LineReader lines(10);
  Input input("one\ntwo\r\n\nrest");
  EXPECT_EQ(lines.Next(input), "one");
  EXPECT_EQ(lines.Next(input), "two");
  EXPECT_EQ(lines.Next(input), "");
  EXPECT_FALSE(lines.Next(input).has_value());
  EXPECT_FALSE(lines.too_long());
  EXPECT_EQ(input.bytes(), "rest");
}

TEST(LineReaderTest, TakesALineOfTheMostBytesAndNoneOfMore) {
  LineReader lines(4);
  Input fits("1234\n"), too_long("12345\n"), endless("12345");
  EXPECT_EQ(lines.Next(fits), "1234");
  EXPECT_FALSE(lines.Next(too_long).has_value());
  EXPECT_TRUE(lines.too_long());
  EXPECT_FALSE(lines.Next(endless).has_value());
  EXPECT_TRUE(lines.too_long());
}

TEST(LineReaderTest, SkipsALineThatIsTooLong) {
  LineReader lines(4);
  Input first("12345"), second("678"), third("90\nnext\n");
  EXPECT_FALSE(lines.Next(first).has_value());
  EXPECT_FALSE(lines.Skip(first));
  EXPECT_FALSE(lines.Skip(second));
  EXPECT_TRUE(first.empty() && second.empty());
  EXPECT_TRUE(lines.Skip(third));
  EXPECT_EQ(lines.Next(third), "next");
}

// Were each call to search the line from its beginning, this would take minutes and run into the test's time-out.
TEST(LineReaderTest, CostsTimeInProportionToTheLineHoweverItIsCut) {
  const std::string line(8 << 20, 'x');
  LineReader lines(line.size());
  for (size_t shown = 1; shown <= line.size(); ++shown) {
    Input input(absl::string_view(line).substr(0, shown));
    ASSERT_FALSE(lines.Next(input).has_value());
  }
}

}  // namespace
}  // namespace polyserve
