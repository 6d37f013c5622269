// OriginReply: each reply whole, and in every split.
#include "fetch/origin_reply.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

using State = OriginReply::State;

struct Read {
  State state = State::kHead;
  OriginHead head = {};
  std::string content = {};
  std::string fault = {};
};

// The bytes in pieces of this size, and then, perhaps, the end of the connection.
Read ReadInPieces(absl::string_view bytes, size_t piece, bool ends = false) {
  OriginReply reply;
  Read read;
  while (!bytes.empty() && reply.state() < State::kWhole) {
    reply.Take(bytes.substr(0, piece), read.content);
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  if (ends && reply.state() < State::kWhole) reply.TakeEnd();
  read.state = reply.state();
  read.fault = std::string(reply.fault());
  if (read.state == State::kContent || read.state == State::kWhole) read.head = reply.head();
  return read;
}

// The same in every split.
Read ReadAll(absl::string_view bytes, bool ends = false) {
  Read whole = ReadInPieces(bytes, bytes.size(), ends);
  for (size_t piece = 1; piece < bytes.size(); ++piece) {
    const Read read = ReadInPieces(bytes, piece, ends);
    EXPECT_EQ(read.state, whole.state) << piece;
    EXPECT_EQ(read.fault, whole.fault) << piece;
    if (whole.state == State::kWhole) {
      EXPECT_EQ(read.content, whole.content) << piece;
    }
  }
  return whole;
}

TEST(OriginReplyTest, ReadsAFile) {
  const Read read = ReadAll(
      "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nAge: 7\r\n"
      "Cache-Control: public\r\nCache-Control: max-age=5\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(read.state, State::kWhole);
  EXPECT_EQ(read.content, "hello");
  EXPECT_EQ(read.head.status, 200);
  EXPECT_EQ(read.head.length, 5);
  EXPECT_EQ(read.head.etag, "\"a\"");
  EXPECT_EQ(read.head.last_modified, "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(read.head.age, 7);
  EXPECT_EQ(read.head.cache_control, "public,max-age=5");
}

TEST(OriginReplyTest, ReadsChunksToTheLastOne) {
  const Read read = ReadAll(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n");
  EXPECT_EQ(read.state, State::kWhole);
  EXPECT_EQ(read.content, "hello");
  EXPECT_FALSE(read.head.length.has_value());
}

TEST(OriginReplyTest, RepliesWithoutContentAreWholeWithTheirHead) {
  EXPECT_EQ(ReadAll("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\n").head.status, 304);
  EXPECT_EQ(ReadAll("HTTP/1.1 304 Not Modified\r\n\r\n").state, State::kWhole);
  EXPECT_EQ(ReadAll("HTTP/1.1 204 No Content\r\n\r\n").state, State::kWhole);
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").state, State::kWhole);
}

TEST(OriginReplyTest, InterimRepliesArePassedOver) {
  const std::string interim = "HTTP/1.1 103 Early Hints\r\nETag: \"x\"\r\n\r\n";
  const std::string final_one = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const Read read = ReadAll(absl::StrCat("HTTP/1.1 100 Continue\r\n\r\n", interim, final_one));
  EXPECT_EQ(read.state, State::kWhole);
  EXPECT_EQ(read.content, "ok");
  EXPECT_EQ(read.head.etag, "");
  std::string many;
  for (int i = 0; i <= OriginReply::kMaxInterim; ++i) many += interim;
  EXPECT_EQ(ReadInPieces(many, many.size()).state, State::kWrong);
}

TEST(OriginReplyTest, ContentThatIsCutShortIsWrong) {
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", true).state, State::kWrong);
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n", true).state, State::kWrong);
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nContent-Le", true).fault, "has ended the connection without an answer");
  EXPECT_EQ(ReadInPieces("", 1, true).state, State::kWrong);
}

TEST(OriginReplyTest, ContentWhoseEndCannotBeToldIsWrong) {
  const Read open = ReadAll("HTTP/1.1 200 OK\r\n\r\nhello", true);
  EXPECT_TRUE(absl::StartsWith(open.fault, "does not say how long")) << open.fault;
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").state,
            State::kWrong);
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!").state, State::kWrong);
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n").state, State::kWrong);
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n").state, State::kWrong);
}

TEST(OriginReplyTest, WhatFollowsAReplyIsIgnored) {
  const Read read = ReadAll("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more");
  EXPECT_EQ(read.state, State::kWhole);
  EXPECT_EQ(read.content, "ok");
}

TEST(OriginReplyTest, WhatIsNoHttpIsWrong) {
  EXPECT_EQ(ReadAll("220 smtp.example.com\r\n\r\n").state, State::kWrong);
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nno field\r\n\r\n").state, State::kWrong);
  EXPECT_EQ(ReadAll("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n").state, State::kWrong);
}

// A field that is joined without end would take all memory. The parser takes a line as soon as it sees the first byte
// of the next one.
TEST(OriginReplyTest, HeadWhoseLinesComeOneByOneHasTheSameBound) {
  OriginReply reply;
  std::string content;
  reply.Take("HTTP/1.1 200 OK\r\nC", content);
  const std::string line = "ache-Control: public\r\nC";
  size_t sent = 0;
  for (; reply.state() == State::kHead && sent < 4 * OriginReply::kMaxHeadBytes; sent += line.size()) {
    reply.Take(line, content);
  }
  EXPECT_EQ(reply.state(), State::kWrong);
  EXPECT_LE(sent, OriginReply::kMaxHeadBytes + line.size());
}

TEST(OriginReplyTest, TrailersChangeNothingThatWasSaidBefore) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: public\r\n\r\n";
  const Read read = ReadAll(absl::StrCat(head, "2\r\nok\r\n0\r\nETag: \"late\"\r\nCache-Control: no-store\r\n",
                                         "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"));
  EXPECT_EQ(read.state, State::kWhole);
  EXPECT_EQ(read.content, "ok");
  EXPECT_EQ(read.head.etag, "");
  EXPECT_EQ(read.head.last_modified, "");
  EXPECT_EQ(read.head.cache_control, "public");
}

TEST(OriginReplyTest, ChunksOfAnythingButTheFileAreWrong) {
  const std::string content = "2\r\nok\r\n0\r\n\r\n";
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: ";
  EXPECT_EQ(ReadAll(absl::StrCat(head, "gzip, chunked\r\n\r\n", content)).state, State::kWrong);
  EXPECT_EQ(ReadAll(absl::StrCat(head, "gzip\r\nTransfer-Encoding: chunked\r\n\r\n", content)).state, State::kWrong);
  EXPECT_EQ(ReadAll(absl::StrCat(head, "Chunked\r\n\r\n", content)).content, "ok");
}

TEST(OriginReplyTest, WhatNeverEndsIsWrongInTime) {
  const std::string head = absl::StrCat("HTTP/1.1 200 OK\r\nX: ", std::string(OriginReply::kMaxHeadBytes, 'x'));
  EXPECT_EQ(ReadInPieces(head, 100).state, State::kWrong);
  const std::string chunk =
      absl::StrCat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", std::string(40'000, 'x'));
  EXPECT_EQ(ReadInPieces(chunk, 100).state, State::kWrong);
}

}  // namespace
}  // namespace polyserve
