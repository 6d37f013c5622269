// TimedTurn: one wait in N is timed, none if N is 0, and two threads do not time the same ones.
#include "backends/connection/timed_turn.h"

#include <chrono>
#include <memory>

#include "gtest/gtest.h"
#include "net/request_times.h"

namespace polyserve {
namespace {

class TimedTurnTest : public testing::Test {
 protected:
  static int Timed(TimedTurn& turn, int waits) {
    int timed = 0;
    for (int i = 0; i < waits; ++i) {
      turn.BeginWait();
      turn.EndWait();
      timed += turn.timed() != nullptr ? 1 : 0;
    }
    return timed;
  }

  const std::unique_ptr<RequestTimes::Table> table_ = std::make_unique<RequestTimes::Table>();
};

TEST_F(TimedTurnTest, OneMeansEachWait) {
  TimedTurn turn(RequestTimes(*table_, 1));
  EXPECT_EQ(Timed(turn, 1000), 1000);
}

TEST_F(TimedTurnTest, OneInAHundredIsTimed) {
  TimedTurn turn(RequestTimes(*table_, 100));
  const int timed = Timed(turn, 100'000);
  EXPECT_GT(timed, 800);
  EXPECT_LT(timed, 1200);
}

TEST_F(TimedTurnTest, NothingIsTimedWithoutTheFlag) {
  TimedTurn turn(RequestTimes(*table_, 0));
  EXPECT_EQ(Timed(turn, 1000), 0);
  TimedTurn none;
  EXPECT_EQ(Timed(none, 1000), 0);
}

// As under a model with a process for each connection, if each connection has a single request.
TEST_F(TimedTurnTest, FirstWaitOfOneInTenIsTimed) {
  int timed = 0;
  for (int i = 0; i < 10'000; ++i) {
    TimedTurn turn(RequestTimes(*table_, 10));
    timed += Timed(turn, 1);
  }
  EXPECT_GT(timed, 800);
  EXPECT_LT(timed, 1200);
}

TEST_F(TimedTurnTest, TimedWaitHasItsTimes) {
  TimedTurn turn(RequestTimes(*table_, 1));
  turn.BeginWait();
  ASSERT_NE(turn.timed(), nullptr);
  EXPECT_EQ(turn.timed()->ended, TimedWait::Clock::time_point()) << "the receive may be the wait";
  turn.EndWait();
  EXPECT_GE(turn.timed()->ended, turn.timed()->began);
}

TEST_F(TimedTurnTest, WhatHasWaitedInALineWasFoundReadyBeforeThisWait) {
  TimedTurn turn(RequestTimes(*table_, 1));
  turn.BeginWait();
  turn.EndWait();
  const TimedWait before = *turn.timed();
  turn.SetBack(std::chrono::microseconds(0));
  EXPECT_EQ(turn.timed()->ended, before.ended) << "one that has not waited there";
  turn.SetBack(std::chrono::hours(1));
  EXPECT_LT(turn.timed()->ended, before.began);
  EXPECT_EQ(turn.timed()->began, turn.timed()->ended);
  turn.SetBack(std::chrono::microseconds(0));
  EXPECT_EQ(turn.timed()->began, before.began) << "one behind it, that this wait has found";
  EXPECT_EQ(turn.timed()->ended, before.ended);
}

}  // namespace
}  // namespace polyserve
