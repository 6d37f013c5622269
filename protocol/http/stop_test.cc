// http: when the server stops, the reply to the last request that has arrived says that it is the last.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/http/test_fixture.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/session_harness.h"

namespace polyserve {
namespace {

constexpr absl::string_view kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr absl::string_view kClose = "Connection: close\r\n";

class HttpStopTest : public HttpFixture {
 protected:
  Transcript TalkAfterStop(std::vector<absl::string_view> pieces) {
    pieces.insert(pieces.begin(), kServerStops);
    return TalkInPieces([this] { return MakeSession(); }, pieces);
  }
};

size_t CountOf(absl::string_view part, absl::string_view text) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != absl::string_view::npos; at += part.size()) ++count;
  return count;
}

TEST_F(HttpStopTest, NextReplySaysThatItIsTheLast) {
  const Transcript talk = TalkInPieces([this] { return MakeSession(); }, {kGet, kServerStops, kGet, kGet});
  EXPECT_EQ(CountOf("hello", talk.replies), 2u);
  EXPECT_EQ(FieldOf(talk.replies, "Connection"), "");
  EXPECT_EQ(CountOf(kClose, talk.replies), 1u);
  EXPECT_TRUE(talk.closed);
}

TEST_F(HttpStopTest, RefusalOfAnOverloadedServerIsTheLastReplyAndSaysWhenToComeAgain) {
  const Transcript talk = TalkInPieces([this] { return MakeSession(); }, {kGet, kServerIsOverloaded});
  const std::string refusal = talk.replies.substr(talk.replies.find("hello") + 5);
  EXPECT_EQ(CodeOf(refusal), 503);
  EXPECT_EQ(FieldOf(refusal, "Connection"), "close");
  EXPECT_NE(FieldOf(refusal, "Retry-After"), "");
  EXPECT_EQ(ContentOf(refusal), "503 Service Unavailable: the server has too much to do\n");
}

TEST_F(HttpStopTest, AllThatHaveComeAreAnsweredFirst) {
  const std::string three = absl::StrCat(kGet, Request("PUT /new", "Content-Length: 3\r\n", "new"), kGet);
  const Transcript talk = TalkAfterStop({three});
  EXPECT_EQ(CountOf("HTTP/1.1 ", talk.replies), 3u);
  EXPECT_EQ(CountOf(kClose, talk.replies), 1u);
  EXPECT_TRUE(talk.closed);
  const Transcript halved = TalkAfterStop({absl::StrCat(kGet, kGet.substr(0, 10)), kGet.substr(10)});
  EXPECT_EQ(CountOf("hello", halved.replies), 2u);
  EXPECT_EQ(CountOf(kClose, halved.replies), 1u);
}

TEST_F(HttpStopTest, EachKindOfReplyCanBeTheLast) {
  for (const std::string& request :
       {Request("HEAD /a"), Request("GET /none"), Request("OPTIONS *"), Request("GET /-/status"), Request("GET /sub"),
        Request("GET /%zz"), Request("PUT /empty", "Content-Length: 0\r\n"), Request("DELETE /a"),
        Request("PUT /new", "Content-Length: 3\r\n", "new"), Request("PUT /site/", "Content-Length: 3\r\n", "new"),
        Request("PUT /new", "Transfer-Encoding: chunked\r\n", "3\r\nnew\r\n0\r\n\r\n")}) {
    const Transcript talk = TalkAfterStop({request});
    EXPECT_EQ(FieldOf(talk.replies, "Connection"), "close") << request;
    EXPECT_TRUE(talk.closed) << request;
  }
}

TEST_F(HttpStopTest, UploadUnderWayIsTheLast) {
  const std::string head = Request("PUT /new", "Content-Length: 6\r\n");
  const Transcript talk = TalkInPieces([this] { return MakeSession(); }, {head, "sec", kServerStops, "ond"});
  EXPECT_EQ(CodeOf(talk.replies), 201);
  EXPECT_EQ(FieldOf(talk.replies, "Connection"), "close");
  EXPECT_EQ(Content("new"), "second");
}

TEST_F(HttpStopTest, RefusedContentThatIsStillToComeIsNotWaitedFor) {
  const Transcript talk = TalkAfterStop({Request("GET /none", "Content-Length: 6\r\n", "sec"), "ond"});
  EXPECT_EQ(CodeOf(talk.replies), 404);
  EXPECT_EQ(FieldOf(talk.replies, "Connection"), "close");
}

TEST_F(HttpStopTest, WhereMoreHasProbablyComeTheReplyIsNotTheLast) {
  const auto session = MakeSession();
  session->OnStop();
  Output output;
  Input full(kGet, true);
  session->OnInput(full, output);
  EXPECT_FALSE(output.closing());
  Input last(kGet);
  session->OnInput(last, output);
  EXPECT_TRUE(output.closing());
}

}  // namespace
}  // namespace polyserve
