// message: a fixed reply for each chunk.
#include "protocol/message.h"

#include <string>

#include "gtest/gtest.h"
#include "protocol/session_harness.h"

namespace polyserve {
namespace {

std::unique_ptr<Session> MakeMessage() { return std::make_unique<MessageSession>(); }

TEST(MessageSessionTest, AnswersEachChunkThatComes) {
  EXPECT_EQ(TalkInPieces(&MakeMessage, {"hello"}).replies, "Receive your message");
  EXPECT_EQ(TalkInPieces(&MakeMessage, {"hello", "again"}).replies, "Receive your messageReceive your message");
}

TEST(MessageSessionTest, AnswersALongChunkOncePer1024Bytes) {
  const std::string two_and_a_bit(2049, 'x');
  EXPECT_EQ(TalkInPieces(&MakeMessage, {two_and_a_bit}).replies.size(), 3 * MessageSession::kReply.size());
}

}  // namespace
}  // namespace polyserve
