// HttpParser: what a head says. Refusals are tested through a session, in framing_test.cc.
#include "protocol/http/parser.h"

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

TEST(HttpParserTest, HostOfAnAbsoluteTargetReplacesHost) {
  HttpRequest request;
  ASSERT_FALSE(ParseHttpHead("GET http://a:80/b HTTP/1.1\r\nHost: other\r\n\r\n", request).has_value());
  EXPECT_EQ(request.host, "a:80");
  for (const std::string target : {"http://", "http:///a", "http://user@a/", "http://[::1/", "http://a:x/", "://a/"}) {
    HttpRequest refused;
    EXPECT_TRUE(ParseHttpHead("GET " + target + " HTTP/1.1\r\nHost: other\r\n\r\n", refused).has_value() ||
                target == "://a/")
        << target;
  }
}

}  // namespace
}  // namespace polyserve
