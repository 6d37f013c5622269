// IsOfOtherProtocol: tells what browsers send first from the commands of line-based services.
#include "protocol/other_protocol.h"

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(OtherProtocolTest, KnowsRequestLinesAndHandshakes) {
  for (absl::string_view line : {"GET / HTTP/1.1", "POST /?a=b HTTP/1.0", "OPTIONS * HTTP/1.1", "PRI * HTTP/2.0",
                                 "G /hello HTTP/1.1", "C http://host/ HTTP/1.1", "\x16\x03\x01\x02"}) {
    EXPECT_TRUE(IsOfOtherProtocol(line)) << line;
    EXPECT_TRUE(MayBeOfOtherProtocol(line)) << line;
  }
}

TEST(OtherProtocolTest, TakesNoCommandForOne) {
  for (absl::string_view line : {"", "L", "L ada", "G hello.txt", "G notes on HTTP/1.1", "C ada GET / HTTP/1.1",
                                 "C ada / HTTP/1.1", "P a 5", "PRIMES 10", "GET / HTTP/x.1", "GET /", "/ HTTP/1.1"}) {
    EXPECT_FALSE(IsOfOtherProtocol(line)) << line;
  }
  for (absl::string_view beginning : {"", "L ada", "C ada /", "xxxxxxxx"}) {
    EXPECT_FALSE(MayBeOfOtherProtocol(beginning)) << beginning;
  }
}

}  // namespace
}  // namespace polyserve
