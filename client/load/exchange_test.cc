// Exchanges: right replies in any pieces, several in one, and wrong ones.
#include "client/load/exchange.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/load/count_replies.h"
#include "client/load/http_get.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

std::shared_ptr<const std::string> Text(absl::string_view text) { return std::make_shared<const std::string>(text); }

std::string HttpReply(absl::string_view content) {
  return absl::StrCat("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: ", content.size(), "\r\n\r\n", content);
}

TEST(ExchangeTest, FixedRepliesCountHoweverTheyAreCut) {
  for (size_t piece = 1; piece < 20; ++piece) {
    FixedExchange exchange(Text("ask"), Text("hello"));
    EXPECT_EQ(CountReplies(exchange, "hellohellohello", piece), 3) << piece;
  }
}

TEST(ExchangeTest, OneWrongByteIsNoticed) {
  FixedExchange exchange(Text("ask"), Text("hello"));
  EXPECT_EQ(CountReplies(exchange, "hellohexlo", 100), -1);
}

std::shared_ptr<const std::vector<RotatingExchange::Turn>> TwoTurns() {
  return std::make_shared<const std::vector<RotatingExchange::Turn>>(
      std::vector<RotatingExchange::Turn>{{"first", "one"}, {"second", "three"}});
}

TEST(ExchangeTest, TurnsComeOneAfterTheOther) {
  for (size_t piece = 1; piece < 20; ++piece) {
    RotatingExchange exchange(TwoTurns(), 1);
    EXPECT_EQ(exchange.Ask(), "second");
    EXPECT_EQ(exchange.Ask(), "first");
    EXPECT_EQ(exchange.Ask(), "second");
    EXPECT_EQ(CountReplies(exchange, "threeonethree", piece), 3) << piece;
    EXPECT_EQ(exchange.TakeEnd(), Exchange::Reply::kIncomplete);
  }
}

TEST(ExchangeTest, ReplyOfAnotherTurnIsWrong) {
  RotatingExchange exchange(TwoTurns(), 0);
  exchange.Ask();
  EXPECT_EQ(CountReplies(exchange, "three", 100), -1);
}

TEST(ExchangeTest, NewConnectionGoesOnWithTheNextTurn) {
  RotatingExchange exchange(TwoTurns(), 0);
  exchange.Ask();
  EXPECT_EQ(CountReplies(exchange, "on", 100), 0);
  EXPECT_EQ(exchange.TakeEnd(), Exchange::Reply::kWrong);
  exchange.Reset();
  EXPECT_EQ(exchange.Ask(), "second");
  EXPECT_EQ(CountReplies(exchange, "three", 100), 1);
}

TEST(ExchangeTest, HttpRepliesCountHoweverTheyAreCut) {
  const std::string replies = absl::StrCat(HttpReply("hello"), HttpReply("hello"));
  for (size_t piece = 1; piece <= replies.size(); ++piece) {
    HttpGet exchange(Text("GET"), Text("hello"));
    EXPECT_EQ(CountReplies(exchange, replies, piece), 2) << piece;
  }
}

TEST(ExchangeTest, HttpFieldNamesMayBeOfAnyCase) {
  HttpGet exchange(Text("GET"), Text("hi"));
  EXPECT_EQ(CountReplies(exchange, "HTTP/1.1 200 OK\r\ncontent-LENGTH:2\r\n\r\nhi", 100), 1);
}

TEST(ExchangeTest, HttpErrorsAndOtherContentAreWrong) {
  for (const std::string& reply :
       {std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello"), HttpReply("hellx"), HttpReply("hell"),
        std::string("HTTP/1.1 200 OK\r\n\r\nhello!"), std::string("HTTP/1.1 200 OK\r\n\r\nhallo"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n0\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"), std::string(100'000, 'x')}) {
    HttpGet exchange(Text("GET"), Text("hello"));
    EXPECT_EQ(CountReplies(exchange, reply, 1000), -1) << reply.substr(0, 60);
  }
}

TEST(ExchangeTest, ChunkedContentIsTheSameContent) {
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX: y\r\n\r\n";
  const std::string replies = absl::StrCat(chunked, HttpReply("hello"), chunked, chunked, HttpReply("hello"));
  for (size_t piece = 1; piece <= replies.size(); ++piece) {
    HttpGet exchange(Text("GET"), Text("hello"));
    EXPECT_EQ(CountReplies(exchange, replies, piece), 5) << piece;
    EXPECT_EQ(exchange.TakeEnd(), Exchange::Reply::kIncomplete);
  }
}

TEST(ExchangeTest, ContentWithoutALengthEndsWithTheConnection) {
  for (const char* head : {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n"}) {
    HttpGet exchange(Text("GET"), Text("hello"));
    EXPECT_EQ(CountReplies(exchange, absl::StrCat(head, "hel"), 2), 0);
    EXPECT_EQ(CountReplies(exchange, "lo", 1), 0);
    EXPECT_EQ(exchange.TakeEnd(), Exchange::Reply::kLast);
    EXPECT_EQ(exchange.TakeEnd(), Exchange::Reply::kIncomplete);
    EXPECT_EQ(CountReplies(exchange, absl::StrCat(head, "hel"), 2), 0);
    EXPECT_EQ(exchange.TakeEnd(), Exchange::Reply::kWrong);
  }
}

TEST(ExchangeTest, ServersSayWhichReplyIsTheLast) {
  for (const auto& [head, last] : {std::make_pair("HTTP/1.1 200 OK\r\nConnection: close\r\n", true),
                                   {"HTTP/1.1 200 OK\r\nconnection: x, CLOSE\r\n", true},
                                   {"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n", false},
                                   {"HTTP/1.0 200 OK\r\n", true},
                                   {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", false}}) {
    HttpGet exchange(Text("GET"), Text("hi"));
    const std::string reply = absl::StrCat(head, "Content-Length: 2\r\n\r\nhi");
    absl::string_view bytes = reply;
    EXPECT_EQ(exchange.Take(bytes), last ? Exchange::Reply::kLast : Exchange::Reply::kComplete) << head;
  }
}

TEST(ExchangeTest, EmptyContentIsComplete) {
  HttpGet exchange(Text("GET"), Text(""));
  EXPECT_EQ(CountReplies(exchange, absl::StrCat(HttpReply(""), HttpReply("")), 7), 2);
}

TEST(ExchangeTest, HttpGoesOnBehindAnotherDate) {
  HttpGet exchange(Text("GET"), Text("hi"));
  const std::string one = "HTTP/1.1 200 OK\r\nDate: 1\r\nContent-Length: 2\r\n\r\nhi";
  const std::string two = "HTTP/1.1 200 OK\r\nDate: 2\r\nContent-Length: 2\r\n\r\nhi";
  for (size_t piece = 1; piece <= 3 * one.size(); ++piece) {
    EXPECT_EQ(CountReplies(exchange, absl::StrCat(one, one, two, two, one), piece), 5) << piece;
  }
}

// A wrong reply must not make the next one right.
TEST(ExchangeTest, ResetForgetsWhatHasCome) {
  HttpGet exchange(Text("GET"), Text("hello"));
  for (const std::string& part : {std::string("HTTP/1.1 200"), HttpReply("hello").substr(0, 50), HttpReply("hell"),
                                  std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n")}) {
    for (int i = 0; i < 2; ++i) {
      CountReplies(exchange, part, 100);
      exchange.Reset();
    }
    EXPECT_EQ(CountReplies(exchange, HttpReply("hello"), 100), 1) << part;
  }
  FixedExchange fixed(Text("ask"), Text("hello"));
  CountReplies(fixed, "hel", 100);
  fixed.Reset();
  EXPECT_EQ(CountReplies(fixed, "hello", 100), 1);
}

}  // namespace
}  // namespace polyserve
