// RedisParser: answers in any pieces, and what is none.
#include "room/redis/redis_reply.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

// As a line: strings bare, statuses with "+", errors with "-", integers with ":", arrays in brackets.
std::string Show(const RedisReply& reply) {
  switch (reply.kind) {
    case RedisReply::Kind::kNil:
      return "nil";
    case RedisReply::Kind::kString:
      return reply.text;
    case RedisReply::Kind::kStatus:
      return absl::StrCat("+", reply.text);
    case RedisReply::Kind::kError:
      return absl::StrCat("-", reply.text);
    case RedisReply::Kind::kInteger:
      return absl::StrCat(":", reply.integer);
    case RedisReply::Kind::kArray:
      break;
  }
  std::string items;
  for (const RedisReply& item : reply.items) absl::StrAppend(&items, items.empty() ? "" : " ", Show(item));
  return absl::StrCat("[", items, "]");
}

// Feeds it so many bytes at a time. The last line is the fault, if there is one.
std::vector<std::string> Parse(absl::string_view bytes, size_t piece) {
  RedisParser parser;
  std::vector<std::string> replies;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    parser.Feed(bytes.substr(at, piece));
    RedisReply reply;
    while (parser.Next(reply)) replies.push_back(Show(reply));
  }
  if (!parser.fault().empty()) replies.emplace_back("fault");
  return replies;
}

TEST(RedisParserTest, AnyCutGivesTheSameAnswers) {
  const std::string bytes =
      "+OK\r\n:42\r\n-ERR no\r\n$5\r\nhello\r\n$-1\r\n*-1\r\n*0\r\n"
      "*2\r\n*3\r\n$1\r\na\r\n:1\r\n$-1\r\n*1\r\n*1\r\n+deep\r\n$0\r\n\r\n";
  const std::vector<std::string> expected = {
      "+OK", ":42", "-ERR no", "hello", "nil", "nil", "[]", "[[a :1 nil] [[+deep]]]", ""};
  for (size_t piece = 1; piece <= bytes.size(); ++piece) EXPECT_EQ(Parse(bytes, piece), expected) << piece;
}

TEST(RedisParserTest, GarbageIsAFaultAndNothingBehindItIsRead) {
  for (const char* const bytes :
       {"HTTP/1.1 400 Bad Request\r\n+OK\r\n", "*x\r\n+OK\r\n", "$9999999999999999999\r\n+OK\r\n", "*1\r\n!\r\n+OK\r\n",
        "\r\n+OK\r\n", ":abc\r\n+OK\r\n"}) {
    for (const size_t piece : {size_t{1}, size_t{1000}}) {
      EXPECT_EQ(Parse(bytes, piece), std::vector<std::string>{"fault"}) << bytes;
    }
  }
}

TEST(RedisParserTest, NumberOfItemsIsBoundedBeforeTheyCome) {
  EXPECT_EQ(Parse("*2000000000\r\n", 100), std::vector<std::string>{"fault"});
  // Each within the bound, but not together.
  std::string nested = "*60000\r\n*60000\r\n";
  EXPECT_EQ(Parse(nested, 100), std::vector<std::string>{"fault"});
}

TEST(RedisParserTest, DepthIsBounded) {
  std::string nested;
  for (int i = 0; i < 1000; ++i) nested += "*1\r\n";
  EXPECT_EQ(Parse(nested, 100), std::vector<std::string>{"fault"});
}

TEST(RedisParserTest, AnswerThatNeverEndsIsAFault) {
  RedisParser parser;
  RedisReply reply;
  parser.Feed("$500000000\r\n");
  const std::string piece(64 * 1024, 'x');
  size_t fed = 0;
  while (parser.fault().empty() && fed < 100 * RedisParser::kMaxReplyBytes) {
    parser.Feed(piece);
    fed += piece.size();
    EXPECT_FALSE(parser.Next(reply));
  }
  EXPECT_LE(fed, RedisParser::kMaxReplyBytes + piece.size());
}

TEST(RedisCommandTest, WordsMayHaveAnyBytes) {
  EXPECT_EQ(RedisCommand({"SET", "a b", absl::string_view("\r\n\0", 3), ""}),
            absl::StrCat("*4\r\n$3\r\nSET\r\n$3\r\na b\r\n$3\r\n\r\n", absl::string_view("\0", 1), "\r\n$0\r\n\r\n"));
}

}  // namespace
}  // namespace polyserve
