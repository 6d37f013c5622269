// HttpHeadFinder: heads off the front, its bounds, and the cost of looking for them.
#include "protocol/http/head_finder.h"

#include <string>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(HttpHeadFinderTest, TakesHeadsAndLeavesTheRest) {
  HttpHeadFinder heads;
  Input input("\r\n\r\nG / HTTP/1.1\r\nA: b\r\n\r\nG / HTTP/1.0\r\n\r\nrest / HTTP/1.1\r\n");
  EXPECT_EQ(heads.Next(input), "G / HTTP/1.1\r\nA: b\r\n\r\n");
  EXPECT_EQ(heads.Next(input), "G / HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(heads.Next(input).has_value());
  EXPECT_EQ(heads.refusal(), nullptr);
  EXPECT_EQ(input.bytes(), "rest / HTTP/1.1\r\n");
}

TEST(HttpHeadFinderTest, ConsumesEmptyLinesAlone) {
  HttpHeadFinder heads;
  Input input("\r\n\r\n");
  EXPECT_FALSE(heads.Next(input).has_value());
  EXPECT_TRUE(input.empty());
}

TEST(HttpHeadFinderTest, TakesAHeadOfTheMostBytesAndNoneOfMore) {
  const std::string line = "G / HTTP/1.1\r\n";
  const std::string field = "A: " + std::string(HttpHeadFinder::kMaxHeadBytes - line.size() - 7, 'x') + "\r\n";
  for (const bool too_long : {false, true}) {
    HttpHeadFinder heads;
    const std::string head = line + (too_long ? "B" : "") + field + "\r\n";
    Input input(head);
    EXPECT_EQ(heads.Next(input).has_value(), !too_long);
    EXPECT_EQ(heads.refusal() == nullptr ? 0 : heads.refusal()->code, too_long ? 431 : 0);
  }
}

// If each call searched the head from its beginning, this would take minutes and exceed the time-out of the test.
TEST(HttpHeadFinderTest, CostsTimeInProportionToTheHeadHoweverItIsCut) {
  const std::string head = "G / HTTP/1.1\r\nA: " + std::string(HttpHeadFinder::kMaxHeadBytes - 100, 'x');
  for (int i = 0; i < 200; ++i) {
    HttpHeadFinder heads;
    for (size_t shown = 1; shown <= head.size(); ++shown) {
      Input input(absl::string_view(head).substr(0, shown));
      ASSERT_FALSE(heads.Next(input).has_value());
    }
  }
}

}  // namespace
}  // namespace polyserve
