// HttpChunks: decodes chunks. Refusals are tested through a session, in framing_test.cc.
#include "protocol/http/chunks.h"

#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

class HttpChunksTest : public testing::Test {
 protected:
  absl::Status Take(Input& input) {
    return chunks_.Take(input, [this](absl::string_view bytes) {
      data_.append(bytes.data(), bytes.size());
      return absl::OkStatus();
    });
  }

  HttpChunks chunks_;
  std::string data_;
};

TEST_F(HttpChunksTest, TakesThemApartAndLeavesTheRest) {
  Input input("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nrest");
  ASSERT_TRUE(Take(input).ok());
  EXPECT_TRUE(chunks_.done());
  EXPECT_EQ(data_, "abc0123456789");
  EXPECT_EQ(input.bytes(), "rest");
}

TEST_F(HttpChunksTest, HandsOnDataBeforeItsChunkIsWhole) {
  Input input("400\r\nabc");
  ASSERT_TRUE(Take(input).ok());
  EXPECT_FALSE(chunks_.done());
  EXPECT_EQ(data_, "abc");
  EXPECT_TRUE(input.empty());
}

TEST_F(HttpChunksTest, PassesTheSinksErrorOn) {
  Input input("3\r\nabc\r\n");
  const absl::Status status =
      chunks_.Take(input, [](absl::string_view) { return absl::ResourceExhaustedError("full"); });
  EXPECT_TRUE(absl::IsResourceExhausted(status));
}

TEST_F(HttpChunksTest, PassesOverExtensionsAndTrailerFields) {
  Input input("3;a\r\nabc\r\n3 ; b = c\t;d=\"x;\\\"\ty\"\r\ndef\r\n000;last\r\nX:\r\nY-Z: \tany \xff\r\n\r\nrest");
  ASSERT_TRUE(Take(input).ok());
  EXPECT_TRUE(chunks_.done());
  EXPECT_EQ(data_, "abcdef");
  EXPECT_EQ(input.bytes(), "rest");
}

TEST_F(HttpChunksTest, TakesSizesInEitherCaseAndWithZerosInFront) {
  Input input("0000000000000000000000a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n");
  ASSERT_TRUE(Take(input).ok());
  EXPECT_TRUE(chunks_.done());
  EXPECT_EQ(data_.size(), 20u);
}

TEST_F(HttpChunksTest, RefusesAtOnceWhatCanNeverBecomeAChunk) {
  using std::string_literals::operator""s;
  for (const std::string& begin : {"x"s, ";"s, "\r"s, "5;\n"s, "5\0"s, "5;a=\"\r\n"s, "5;a\rb"s, "1\r\naX"s,
                                   "1\r\na\n"s, "1\r\na\rX"s, "0\r\n\n"s, "0\r\nA: b\0"s}) {
    HttpChunks chunks;
    Input input(begin);
    EXPECT_TRUE(absl::IsInvalidArgument(chunks.Take(input, [](absl::string_view) { return absl::OkStatus(); })))
        << begin;
  }
}

}  // namespace
}  // namespace polyserve
