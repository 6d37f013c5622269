// /-/relay: which servers are asked, and what becomes of their answers.
#include "protocol/http/relay_page.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/ip_address.h"
#include "gtest/gtest.h"
#include "protocol/http/session.h"
#include "protocol/http/test_fixture.h"
#include "protocol/output.h"
#include "protocol/relay_targets.h"
#include "protocol/session.h"

namespace polyserve {
namespace {

class HttpRelayTest : public HttpFixture {
 protected:
  void SetUp() override {
    HttpFixture::SetUp();
    auto targets = std::make_shared<RelayTargets>();
    targets->all = {{"localhost:7001", {*IpAddress::Parse("127.0.0.1"), 7001}},
                    {"[::1]:7002", {*IpAddress::Parse("::1"), 7002}}};
    site_options_.relay = targets;
  }

  // The reply if this comes of the question.
  std::string ReplyTo(absl::StatusOr<std::string> answer) {
    const std::unique_ptr<HttpSession> session = MakeSession();
    Output output;
    const std::string request = Request("GET /-/relay?to=localhost:7001&ask=x");
    Input input(request);
    session->OnInput(input, output);
    EXPECT_TRUE(output.asks());
    output.Answer(std::move(answer));
    return std::string(output.FrontDatagram());
  }
};

// The server that is asked answers with its address and the line; see session_harness.h.
TEST_F(HttpRelayTest, AsksTheServerAndAnswersWithItsLine) {
  const std::string reply = Get("/-/relay?to=localhost:7001&ask=WAIT+20%21");
  EXPECT_EQ(CodeOf(reply), 200);
  EXPECT_EQ(ContentOf(reply), "127.0.0.1:7001 WAIT 20!\n");
  EXPECT_EQ(FieldOf(reply, "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(FieldOf(reply, "Cache-Control"), "no-store");
  EXPECT_EQ(ContentOf(Get("/-/relay?ask=x&to=%5B::1%5D:7002")), "[::1]:7002 x\n");
}

TEST_F(HttpRelayTest, ConnectionStaysOpenAndAnswersComeInOrder) {
  const std::string relay = Request("GET /-/relay?to=localhost:7001&ask=x");
  const Transcript transcript = Talk(absl::StrCat(relay, Request("GET /a"), relay));
  EXPECT_FALSE(transcript.closed);
  const size_t file = transcript.replies.find("hello");
  ASSERT_NE(file, std::string::npos);
  EXPECT_LT(transcript.replies.find("127.0.0.1:7001 x\n"), file);
  EXPECT_GT(transcript.replies.rfind("127.0.0.1:7001 x\n"), file);
}

TEST_F(HttpRelayTest, HeadGetsNoContent) {
  const std::string reply = Head("/-/relay?to=localhost:7001&ask=x");
  EXPECT_EQ(CodeOf(reply), 200);
  EXPECT_EQ(FieldOf(reply, "Content-Length"), "17");
  EXPECT_EQ(ContentOf(reply), "");
}

// By the name alone: another spelling of the same address is another name.
TEST_F(HttpRelayTest, OnlyServersThatAreNamedAreAsked) {
  for (const char* to : {"127.0.0.1:7001", "localhost:7002", "localhost", "evil.example:80"}) {
    EXPECT_EQ(CodeOf(Get(absl::StrCat("/-/relay?ask=x&to=", to))), 403) << to;
  }
  site_options_.relay = nullptr;
  EXPECT_EQ(CodeOf(Get("/-/relay?to=localhost:7001&ask=x")), 403);
}

TEST_F(HttpRelayTest, PageOfAnotherSiteCannotHaveAServerAsked) {
  const auto code_for = [this](absl::string_view site) {
    const std::string field = absl::StrCat("Sec-Fetch-Site: ", site, "\r\n");
    return CodeOf(Talk(Request("GET /-/relay?to=localhost:7001&ask=x", field)).replies);
  };
  for (const char* site : {"cross-site", "same-site", "none\r\nsec-fetch-site: cross-site"}) {
    EXPECT_EQ(code_for(site), 403) << site;
  }
  for (const char* site : {"none", "same-origin"}) EXPECT_EQ(code_for(site), 200) << site;
}

TEST_F(HttpRelayTest, RefusesWhatIsNoQuestion) {
  for (const char* query : {"", "?", "?to=localhost:7001", "?ask=x", "?to=localhost:7001&ask=",
                            "?to=localhost:7001&ask=%", "?to=localhost:7001&ask=%4", "?to=localhost:7001&ask=%zz",
                            "?to=localhost:7001&ask=a%0ab", "?to=localhost:7001&ask=a%00b"}) {
    EXPECT_EQ(CodeOf(Get(absl::StrCat("/-/relay", query))), 400) << query;
  }
  EXPECT_EQ(CodeOf(Get(absl::StrCat("/-/relay?to=localhost:7001&ask=", std::string(1025, 'x')))), 400);
}

TEST_F(HttpRelayTest, FailuresOfTheOtherServerHaveCodes) {
  EXPECT_EQ(ContentOf(ReplyTo("OK 20")), "OK 20\n");
  EXPECT_EQ(CodeOf(ReplyTo(absl::UnavailableError("refused"))), 502);
  EXPECT_EQ(CodeOf(ReplyTo("a\rb")), 502);
  EXPECT_EQ(CodeOf(ReplyTo(absl::ResourceExhaustedError("no descriptor"))), 503);
  const std::string late = ReplyTo(absl::DeadlineExceededError("it is late"));
  EXPECT_EQ(CodeOf(late), 504);
  EXPECT_TRUE(absl::StrContains(ContentOf(late), "it is late")) << late;
}

}  // namespace
}  // namespace polyserve
