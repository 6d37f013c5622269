// FairShare: what one connection may do before the others have their turn.
#include "backends/connection/fair_share.h"

#include "backends/connection/conversation.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(FairShareTest, OneTaskIsAllowed) {
  FairShare share;
  EXPECT_TRUE(share.Allows(Step::kRunTask));
  EXPECT_FALSE(share.Allows(Step::kRunTask));
  share = FairShare();
  EXPECT_TRUE(share.Allows(Step::kRunTask));
}

TEST(FairShareTest, InputThatIsHeldUpIsBounded) {
  FairShare share;
  for (int outputs = 1; outputs < FairShare::kMaxOutputs; ++outputs) EXPECT_TRUE(share.Allows(Step::kResume));
  EXPECT_FALSE(share.Allows(Step::kResume));
}

TEST(FairShareTest, WhatNeedsNoProcessorIsAlwaysAllowed) {
  FairShare share;
  for (int i = 0; i < 100; ++i) {
    for (Step step : {Step::kRead, Step::kReadLast, Step::kSend, Step::kAwaitAck, Step::kSetTimer, Step::kLinger}) {
      EXPECT_TRUE(share.Allows(step));
    }
  }
}

}  // namespace
}  // namespace polyserve
