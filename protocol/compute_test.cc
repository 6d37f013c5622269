// compute: sums of primes, and what is refused.
#include "protocol/compute.h"

#include <string>

#include "gtest/gtest.h"
#include "protocol/session_harness.h"

namespace polyserve {
namespace {

std::unique_ptr<Session> MakeCompute() { return std::make_unique<ComputeSession>(); }

TEST(ComputeSessionTest, AnswersInOrderHoweverTheInputIsCut) {
  const Transcript transcript = TalkInAnyPieces(&MakeCompute, "PRIMES 10\nPRIMES 100\r\nPRIMES 0\nPRIMES 3\n");
  EXPECT_EQ(transcript.replies, "OK 17\nOK 1060\nOK 0\nOK 2\n");
  EXPECT_FALSE(transcript.closed);
}

TEST(ComputeSessionTest, KnowsTheSumOfThePrimesBelow100000) { EXPECT_EQ(SumOfPrimesBelow(100'000), 454'396'537u); }

TEST(ComputeSessionTest, RefusesWhatIsNoNumberAndGoesOn) {
  const Transcript transcript =
      TalkInAnyPieces(&MakeCompute, "PRIMES\nPRIMES x\nPRIMES -1\nPRIMES +1\n\nprimes 3\nPRIMES 3\n");
  const std::string refusal = "ERR 400 expected: PRIMES <n>\n";
  EXPECT_EQ(transcript.replies, refusal + refusal + refusal + refusal + refusal + refusal + "OK 2\n");
}

TEST(ComputeSessionTest, ClosesOnWhatABrowserSends) {
  const Transcript transcript = TalkInAnyPieces(&MakeCompute, "POST / HTTP/1.1\r\nHost: x\r\n\r\nPRIMES 3\n");
  EXPECT_EQ(transcript.replies, "ERR 400 this is no server of HTTP or TLS\n");
  EXPECT_TRUE(transcript.closed);
}

TEST(ComputeSessionTest, RefusesTooMuchWork) {
  EXPECT_EQ(TalkInAnyPieces(&MakeCompute, "PRIMES 10000001\n").replies, "ERR 413 n is at most 10000000\n");
}

TEST(ComputeSessionTest, ClosesAfterALineThatIsTooLong) {
  const Transcript transcript = TalkInAnyPieces(&MakeCompute, std::string(100, 'x') + "\nPRIMES 3\n");
  EXPECT_EQ(transcript.replies, "ERR 400 the line is too long\n");
  EXPECT_TRUE(transcript.closed);
}

}  // namespace
}  // namespace polyserve
