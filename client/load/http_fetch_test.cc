// HttpFetch: the length of each reply, and its content if that is known, in any pieces; and replies to HEAD.
#include "client/load/http_fetch.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/load/count_replies.h"
#include "client/load/exchange.h"
#include "client/load/http_head.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

std::string Ok(absl::string_view content) {
  return absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", content.size(), "\r\n\r\n", content);
}

// The number of replies; -1 if one is wrong.
int Count(const HttpTarget& target, absl::string_view replies, size_t piece) {
  HttpFetch fetch;
  fetch.Choose(target);
  return CountReplies(fetch, replies, piece);
}

TEST(HttpFetchTest, LengthIsEnoughIfTheContentIsNotKnown) {
  const HttpTarget target = {"GET", false, 5, std::nullopt};
  for (size_t piece = 1; piece < 50; ++piece) {
    EXPECT_EQ(Count(target, Ok("hello") + Ok("other"), piece), 2) << piece;
    EXPECT_EQ(Count(target, Ok("hell"), piece), -1) << piece;
    EXPECT_EQ(Count(target, Ok("hello!"), piece), -1) << piece;
  }
}

TEST(HttpFetchTest, KnownContentIsCompared) {
  const HttpTarget target = {"GET", false, 5, "hello"};
  for (size_t piece = 1; piece < 50; ++piece) {
    EXPECT_EQ(Count(target, Ok("hello") + Ok("hello"), piece), 2) << piece;
    EXPECT_EQ(Count(target, Ok("hellx"), piece), -1) << piece;
  }
}

TEST(HttpFetchTest, OtherStatusIsWrong) {
  EXPECT_EQ(Count({"GET", false, 0, std::nullopt}, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 100), -1);
}

// RFC 9110, section 15.2.
TEST(HttpFetchTest, InterimRepliesArePassedOver) {
  const HttpTarget target = {"GET", false, 5, "hello"};
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
  const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string replies = absl::StrCat(hints, Ok("hello"), go_on, hints, hints, Ok("hello"), Ok("hello"));
  for (size_t piece = 1; piece < 120; ++piece) {
    EXPECT_EQ(Count(target, replies, piece), 3) << piece;
    EXPECT_EQ(Count(target, hints + Ok("hell"), piece), -1) << piece;
  }
}

TEST(HttpFetchTest, InterimRepliesWithoutEndAreWrong) {
  const HttpTarget target = {"GET", false, 5, "hello"};
  const std::string hints = "HTTP/1.1 103 Early Hints\r\n\r\n";
  std::string many;
  for (int i = 0; i < HttpHead::kMaxInterim; ++i) many += hints;
  EXPECT_EQ(Count(target, many + Ok("hello") + many + Ok("hello"), 7), 2);
  EXPECT_EQ(Count(target, many + hints, 7), -1);
}

TEST(HttpFetchTest, EndBehindAnInterimReplyCutsTheReplyOff) {
  const HttpTarget target = {"GET", false, 5, "hello"};
  HttpFetch fetch;
  fetch.Choose(target);
  EXPECT_EQ(CountReplies(fetch, "HTTP/1.1 103 Early Hints\r\n\r\n", 100), 0);
  EXPECT_EQ(fetch.TakeEnd(), Exchange::Reply::kWrong);
  fetch.Reset();
  EXPECT_EQ(fetch.TakeEnd(), Exchange::Reply::kIncomplete);
}

TEST(HttpFetchTest, SwitchToAnotherProtocolIsNotInterim) {
  EXPECT_EQ(Count({"GET", false, 5, "hello"}, "HTTP/1.1 101 Switching Protocols\r\n\r\n" + Ok("hello"), 100), -1);
}

TEST(HttpFetchTest, ReplyWithoutALengthIsMeasured) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  EXPECT_EQ(Count({"GET", false, 5, std::nullopt}, chunked, 7), 1);
  EXPECT_EQ(Count({"GET", false, 4, std::nullopt}, chunked, 7), -1);
  EXPECT_EQ(Count({"GET", false, 6, std::nullopt}, chunked, 7), -1);
}

TEST(HttpFetchTest, ReplyToHeadAnnouncesTheLengthAndHasNoContent) {
  const HttpTarget target = {"HEAD", true, 5, "hello"};
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  for (size_t piece = 1; piece < 50; ++piece) {
    EXPECT_EQ(Count(target, head + head, piece), 2) << piece;
    EXPECT_EQ(Count(target, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", piece), -1) << piece;
    EXPECT_EQ(Count(target, "HTTP/1.1 200 OK\r\n\r\n", piece), 1) << piece;
  }
}

TEST(HttpFetchTest, NextTargetMayBeOfAnotherKind) {
  const HttpTarget head = {"HEAD", true, 5, std::nullopt}, get = {"GET", false, 2, std::nullopt};
  HttpFetch fetch;
  fetch.Choose(head);
  EXPECT_EQ(fetch.Ask(), "HEAD");
  EXPECT_EQ(CountReplies(fetch, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 3), 1);
  fetch.Choose(get);
  EXPECT_EQ(fetch.Ask(), "GET");
  EXPECT_EQ(CountReplies(fetch, Ok("hi"), 3), 1);
}

TEST(HttpFetchTest, PartOfAReplyIsForgottenWithItsConnection) {
  const HttpTarget target = {"GET", false, 5, "hello"};
  HttpFetch fetch;
  fetch.Choose(target);
  EXPECT_EQ(CountReplies(fetch, Ok("hello").substr(0, 41), 100), 0);
  EXPECT_EQ(fetch.TakeEnd(), Exchange::Reply::kWrong);
  fetch.Reset();
  EXPECT_EQ(fetch.TakeEnd(), Exchange::Reply::kIncomplete);
  EXPECT_EQ(CountReplies(fetch, Ok("hello"), 100), 1);
}

}  // namespace
}  // namespace polyserve
