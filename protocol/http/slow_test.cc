// http: requests that come too slowly are answered with 408; slow but steady ones are not.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/http/site.h"
#include "protocol/http/test_fixture.h"
#include "protocol/session_harness.h"

namespace polyserve {
namespace {

class HttpSlowTest : public HttpFixture {
 protected:
  Transcript TalkInBursts(const std::vector<absl::string_view>& bursts) {
    return TalkInAnyPieces([this] { return MakeSession(); }, bursts);
  }
};

constexpr absl::string_view kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(HttpSlowTest, HeadThatDoesNotComeInTimeIs408AndTheLast) {
  const Transcript half = TalkInBursts({"GET /a HTTP/1.1\r\nHost:", " x\r\n\r\n"});
  EXPECT_EQ(CodeOf(half.replies), 408);
  EXPECT_EQ(FieldOf(half.replies, "Connection"), "close");
  EXPECT_TRUE(half.closed);
  EXPECT_FALSE(absl::StrContains(half.replies, "hello"));
}

TEST_F(HttpSlowTest, SilenceBetweenRequestsIsNoFault) {
  const Transcript three = TalkInBursts({kGet, "", kGet, "\r\n", kGet});
  EXPECT_EQ(three.replies, TalkOnce(absl::StrCat(kGet, kGet, kGet)).replies);
  EXPECT_FALSE(three.closed);
}

TEST_F(HttpSlowTest, EachRequestHasItsOwnTime) {
  // A head that stays incomplete is too slow. But a timer that expires after its request has arrived changes nothing,
  // even if the next request began while it was set.
  const Transcript slow = TalkInBursts({"GET /a HTTP/1.1\r\n", ""});
  EXPECT_EQ(CodeOf(slow.replies), 408);
  const std::string begun = absl::StrCat(kGet, "GET /a HT");
  const Transcript second =
      TalkInPieces([this] { return MakeSession(); },
                   {"GET /a", " HTTP/1.1\r\nHost: x\r\n\r\nGET /", "a HTTP/1.1\r\nHost: x\r\n\r\n", kTimePasses, kGet});
  EXPECT_EQ(second.replies, TalkOnce(absl::StrCat(kGet, kGet, kGet)).replies);
}

TEST_F(HttpSlowTest, ContentThatStopsComingIs408AndLeavesNothing) {
  const size_t names = NamesInRoot();
  for (absl::string_view framing : {"Content-Length: 50000\r\n", "Transfer-Encoding: chunked\r\n"}) {
    const std::string begun = Request("PUT /new", framing, "5\r\nhello\r\n");
    const Transcript slow = TalkInBursts({begun, "5\r\nworld\r\n"});
    EXPECT_EQ(CodeOf(slow.replies), 408) << framing;
    EXPECT_TRUE(slow.closed);
    EXPECT_EQ(NamesInRoot(), names);
  }
}

TEST_F(HttpSlowTest, ContentThatComesSlowlyButSteadilyIsStored) {
  const std::string part(HttpSite::kMinContentBytes, 'x');
  const std::string begun = Request("PUT /new", absl::StrCat("Content-Length: ", 3 * part.size(), "\r\n"), part);
  const Transcript steady =
      TalkInPieces([this] { return MakeSession(); }, {begun, kTimePasses, part, kTimePasses, part});
  EXPECT_EQ(CodeOf(steady.replies), 201);
  EXPECT_EQ(Content("new").size(), 3 * part.size());
}

TEST_F(HttpSlowTest, ContentThatOnlyDripsIs408) {
  const std::string begun =
      Request("PUT /new", "Content-Length: 50000\r\n", std::string(HttpSite::kMinContentBytes, 'x'));
  EXPECT_EQ(CodeOf(TalkInBursts({begun, "x", "x"}).replies), 408);
}

TEST_F(HttpSlowTest, UnwantedContentThatStopsComingEndsTheConnection) {
  const std::string refused = Request("PUT /sub/", "Content-Length: 50000\r\n", "x");
  const Transcript slow = TalkInBursts({refused, ""});
  EXPECT_EQ(CodeOf(slow.replies), 409);
  EXPECT_EQ(slow.replies.find("HTTP/1.1", 1), std::string::npos) << "it was answered already";
  EXPECT_TRUE(slow.closed);
}

}  // namespace
}  // namespace polyserve
