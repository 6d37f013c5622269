// HttpParser: what a head says, and chunks taken apart. What is refused is tested over the wire in http_framing_test.
#include "protocol/http_parser.h"

#include <string>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(HttpParserTest, TellsWhatAHeadSays) {
  HttpRequest request;
  const std::string head =
      "PUT /a?b HTTP/1.1\r\nhOsT: x:80\r\nContent-Length:  5 \r\nEXPECT: 100-continue\r\nRange:bytes=1-2\r\n"
      "If-None-Match: \"a\"\r\nConnection: close\r\nif-none-match: \"b\"\r\n\r\n";
  ASSERT_FALSE(ParseHttpHead(head, request).has_value());
  EXPECT_EQ(request.method, HttpMethod::kPut);
  EXPECT_EQ(request.target, "/a?b");
  EXPECT_EQ(request.host, "x:80");
  EXPECT_EQ(request.content_length, 5);
  EXPECT_TRUE(request.expects_continue);
  EXPECT_TRUE(request.has_content());
  EXPECT_TRUE(request.conditional());
  EXPECT_EQ(request.range, "bytes=1-2");
  EXPECT_EQ(request.if_none_match, "\"a\", \"b\"");
  EXPECT_FALSE(request.if_match.has_value());
  EXPECT_FALSE(request.terms.keep_alive);
}

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

}  // namespace
}  // namespace polyserve
