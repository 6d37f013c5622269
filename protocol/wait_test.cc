// wait: answers after a time, and what is refused.
#include "protocol/wait.h"

#include <memory>

#include "gtest/gtest.h"
#include "protocol/session_harness.h"

namespace polyserve {
namespace {

std::unique_ptr<Session> MakeWait() { return std::make_unique<WaitSession>(); }

TEST(WaitSessionTest, AnswersInOrderEachAfterItsTime) {
  const Transcript transcript = TalkInAnyPieces(&MakeWait, "WAIT 20\nWAIT 0\r\nWAIT 60000\n");
  EXPECT_EQ(transcript.replies, "OK 20\nOK 0\nOK 60000\n");
  EXPECT_EQ(transcript.pauses, (std::vector<size_t>{0, 11})) << "the second one has nothing to wait for";
  EXPECT_FALSE(transcript.closed);
}

TEST(WaitSessionTest, RefusesWhatIsNoTimeAndGoesOn) {
  const Transcript transcript = TalkInAnyPieces(&MakeWait, "WAIT\nWAITS 5\nWAIT -1\nWAIT 1.5\nWAIT 3\n");
  const std::string refusal = "ERR 400 expected: WAIT <ms>\n";
  EXPECT_EQ(transcript.replies, refusal + refusal + refusal + refusal + "OK 3\n");
}

TEST(WaitSessionTest, RefusesToWaitForLong) {
  EXPECT_EQ(TalkInAnyPieces(&MakeWait, "WAIT 60001\n").replies, "ERR 413 ms is at most 60000\n");
}

TEST(WaitSessionTest, SaysThatTheServerHasTooMuchToDo) {
  EXPECT_EQ(TalkInPieces(&MakeWait, {"WAIT 0\n", kServerIsOverloaded}).replies,
            "OK 0\nERR 503 the server has too much to do\n");
}

}  // namespace
}  // namespace polyserve
