// http: the access log. One line for each request, whatever it says.
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/line_output.h"
#include "files/log_file.h"
#include "gtest/gtest.h"
#include "protocol/http/session.h"
#include "protocol/http/test_fixture.h"
#include "protocol/session_harness.h"

namespace polyserve {
namespace {

constexpr absl::string_view kPeerAndDate = "192.0.2.7 - - [06/Nov/1994:08:49:37 +0000] ";

class HttpLogTest : public HttpFixture {
 protected:
  void SetUp() override {
    HttpFixture::SetUp();
    path_ = root_ / ".log";
    site_options_.access_log = std::make_shared<LogFile>(path_.string(), health_);
  }

  // The lines that a conversation leaves, without what all have in common.
  std::vector<std::string> LinesOf(const std::vector<absl::string_view>& pieces) {
    std::filesystem::remove(path_);
    site_options_.access_log->Reopen();
    TalkInPieces(
        [this] {
          std::unique_ptr<HttpSession> session = MakeSession();
          EXPECT_TRUE(session->wants_peer());
          session->OnPeer("192.0.2.7");
          return session;
        },
        pieces);
    std::stringstream text;
    text << std::ifstream(path_).rdbuf();
    std::vector<std::string> lines = absl::StrSplit(text.str(), '\n', absl::SkipEmpty());
    for (std::string& line : lines) {
      EXPECT_EQ(line.substr(0, kPeerAndDate.size()), kPeerAndDate);
      line.erase(0, kPeerAndDate.size());
    }
    return lines;
  }

  std::filesystem::path path_;
  LogHealth health_;
};

using Lines = std::vector<std::string>;

TEST_F(HttpLogTest, IsCombined) {
  EXPECT_EQ(LinesOf({Request("GET /a", "Referer: http://y/\r\nUser-Agent: agent/1.0 [test]\r\n")}),
            Lines({R"("GET /a HTTP/1.1" 200 5 "http://y/" "agent/1.0 [test]")"}));
}

TEST_F(HttpLogTest, CountsTheContentOfEachKindOfReply) {
  const std::string pipelined = absl::StrCat(Request("GET /a"), Request("GET /a"), Request("HEAD /a"),
                                             Request("GET /digits.txt", "Range: bytes=2-4\r\n"));
  EXPECT_EQ(LinesOf({pipelined}),
            Lines({R"("GET /a HTTP/1.1" 200 5 "-" "-")", R"("GET /a HTTP/1.1" 200 5 "-" "-")",
                   R"("HEAD /a HTTP/1.1" 200 - "-" "-")", R"("GET /digits.txt HTTP/1.1" 206 3 "-" "-")"}));
  const std::string page = ContentOf(TalkOnce(Request("GET /")).replies);
  EXPECT_EQ(LinesOf({Request("GET /")}), Lines({absl::StrCat(R"("GET / HTTP/1.1" 200 )", page.size(), R"( "-" "-")")}));
  EXPECT_EQ(LinesOf({Request("GET /a", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n")}),
            Lines({R"("GET /a HTTP/1.1" 304 - "-" "-")"}));
  EXPECT_EQ(LinesOf({Request("OPTIONS *")}), Lines({R"("OPTIONS * HTTP/1.1" 204 - "-" "-")"}));
}

TEST_F(HttpLogTest, UploadIsLoggedOnceAndAtItsEnd) {
  const std::string put = Request("PUT /new", "Content-Length: 5\r\nExpect: 100-continue\r\n");
  EXPECT_EQ(LinesOf({put, "hel"}), Lines());
  EXPECT_EQ(LinesOf({put, "hel", "lo"}), Lines({R"("PUT /new HTTP/1.1" 201 - "-" "-")"}));
}

TEST_F(HttpLogTest, WhatIsRefusedIsLoggedToo) {
  const Lines malformed = LinesOf({"GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"});
  ASSERT_EQ(malformed.size(), 1);
  EXPECT_EQ(malformed[0].substr(0, 21), R"("GET /a HTTP/1.1" 400)");
  const Lines slow = LinesOf({"GET /a", kTimePasses});
  ASSERT_EQ(slow.size(), 1);
  EXPECT_EQ(slow[0].substr(0, 7), R"("-" 408)");
}

TEST_F(HttpLogTest, NoRequestCanForgeALine) {
  const std::string evil = Request("GET /\"x\\y", "User-Agent: a\" 200 1\t\xff\r\n");
  const Lines lines = LinesOf({evil});
  ASSERT_EQ(lines.size(), 1);
  EXPECT_TRUE(absl::StrContains(lines[0], R"("GET /\"x\\y HTTP/1.1" 404 )")) << lines[0];
  EXPECT_TRUE(absl::StrContains(lines[0], R"("a\" 200 1\x09\xff")")) << lines[0];
  const Lines bare = LinesOf({"GET /a\r127.0.0.1 HTTP/1.1\n\r\n"});
  EXPECT_EQ(bare.size(), 1);
}

// A pipe takes lines up to 4 KiB whole; and no request makes a line that is four times as long as itself.
TEST_F(HttpLogTest, LongFieldsAreCutSoThatTheLineStaysWholeInAPipe) {
  const std::string target = absl::StrCat("GET /", std::string(5000, '"'));
  const std::string agent = absl::StrCat("User-Agent: ", std::string(4000, '\xff'), "\r\n");
  const std::string referer = absl::StrCat("Referer: ", std::string(4000, '\xff'), "\r\n");
  const Lines lines = LinesOf({Request(target, absl::StrCat(agent, referer))});
  ASSERT_EQ(lines.size(), 1);
  EXPECT_LT(lines[0].size() + kPeerAndDate.size(), kMaxLogLineBytes);
  EXPECT_TRUE(absl::StrContains(lines[0], "\\\"...\" 400 ")) << lines[0];
  EXPECT_TRUE(absl::StrContains(lines[0], "\\xff...\" \"")) << lines[0];
  EXPECT_TRUE(absl::EndsWith(lines[0], "\\xff...\"")) << lines[0];
}

TEST_F(HttpLogTest, ALogThatCannotBeWrittenCostsNoReply) {
  const std::string reply = TalkOnce(Request("GET /a")).replies;
  site_options_.access_log = std::make_shared<LogFile>("/dev/full", health_);
  EXPECT_EQ(TalkOnce(Request("GET /a")).replies, reply);
  EXPECT_EQ(health_.lost, 1);
}

}  // namespace
}  // namespace polyserve
