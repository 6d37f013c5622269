// echo: what comes goes back.
#include "protocol/echo.h"

#include "gtest/gtest.h"
#include "protocol/session_harness.h"

namespace polyserve {
namespace {

std::unique_ptr<Session> MakeEcho() { return std::make_unique<EchoSession>(); }

TEST(EchoSessionTest, SendsBackWhatComesHoweverItIsCut) {
  const Transcript transcript = TalkInAnyPieces(&MakeEcho, absl::string_view("hello\n\0\xff bytes", 15));
  EXPECT_EQ(transcript.replies, std::string("hello\n\0\xff bytes", 15));
  EXPECT_FALSE(transcript.closed);
}

TEST(EchoSessionTest, KeepsNothing) {
  EXPECT_EQ(TalkInPieces(&MakeEcho, {std::string(1 << 20, 'x')}).max_unconsumed, 0u);
}

TEST(EchoSessionTest, IsIdleBetweenAnyTwoBytes) { EXPECT_TRUE(MakeEcho()->idle()); }

}  // namespace
}  // namespace polyserve
