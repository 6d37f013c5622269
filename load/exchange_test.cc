// Exchanges: right replies in any pieces, several in one, and wrong ones.
#include "load/exchange.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

using Reply = Exchange::Reply;

std::shared_ptr<const std::string> Text(absl::string_view text) { return std::make_shared<const std::string>(text); }

// How many replies are in it, shown in pieces of this size; -1 where one is wrong.
int CountReplies(Exchange& exchange, absl::string_view bytes, size_t piece_size) {
  int count = 0;
  while (!bytes.empty()) {
    absl::string_view piece = bytes.substr(0, piece_size);
    bytes.remove_prefix(piece.size());
    while (!piece.empty()) {
      const Reply reply = exchange.Take(piece);
      if (reply == Reply::kWrong) return -1;
      if (reply == Reply::kComplete) ++count;
    }
  }
  return count;
}

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

TEST(ExchangeTest, HttpRepliesCountHoweverTheyAreCut) {
  const std::string replies = absl::StrCat(HttpReply("hello"), HttpReply("hello"));
  for (size_t piece = 1; piece <= replies.size(); ++piece) {
    HttpExchange exchange(Text("GET"), Text("hello"));
    EXPECT_EQ(CountReplies(exchange, replies, piece), 2) << piece;
  }
}

TEST(ExchangeTest, HttpFieldNamesMayBeOfAnyCase) {
  HttpExchange exchange(Text("GET"), Text("hi"));
  EXPECT_EQ(CountReplies(exchange, "HTTP/1.1 200 OK\r\ncontent-LENGTH:2\r\n\r\nhi", 100), 1);
}

TEST(ExchangeTest, HttpErrorsAndOtherContentAreWrong) {
  for (const std::string& reply :
       {std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello"), HttpReply("hellx"), HttpReply("hell"),
        std::string("HTTP/1.1 200 OK\r\n\r\nhello"), std::string(100'000, 'x')}) {
    HttpExchange exchange(Text("GET"), Text("hello"));
    EXPECT_EQ(CountReplies(exchange, reply, 1000), -1) << reply.substr(0, 60);
  }
}

TEST(ExchangeTest, EmptyContentIsComplete) {
  HttpExchange exchange(Text("GET"), Text(""));
  EXPECT_EQ(CountReplies(exchange, absl::StrCat(HttpReply(""), HttpReply("")), 7), 2);
}

}  // namespace
}  // namespace polyserve
