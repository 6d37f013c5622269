// QueueDiscipline: who waits, who is refused, and what is counted, in a time that the test decides.
#include "backends/overload/queue_discipline.h"

#include <chrono>

#include "absl/time/time.h"
#include "backends/overload/overload_options.h"
#include "gtest/gtest.h"
#include "net/statistics.h"

namespace polyserve {

namespace {

using Arrival = QueueDiscipline::Arrival;
using std::chrono::milliseconds;

constexpr OverloadOptions kDeadline = {.rule = Overload::kDeadline,
                                       .most_waiting = 1000,
                                       .target = absl::Milliseconds(5),
                                       .interval = absl::Milliseconds(100)};

class QueueDisciplineTest : public testing::Test {
 protected:
  // Some time on the clock.
  static QueueDiscipline::Clock::time_point At(int ms) {
    return QueueDiscipline::Clock::time_point() + std::chrono::hours(1) + milliseconds(ms);
  }

  QueueCounters counters_;
};

TEST_F(QueueDisciplineTest, EverythingWaitsUnlessThereIsARule) {
  QueueDiscipline discipline(OverloadOptions(), counters_);
  EXPECT_EQ(discipline.OnArrival(1'000'000, At(0)), Arrival::kWaits);
  EXPECT_FALSE(discipline.takes_newest());
  EXPECT_TRUE(discipline.OnTurn(At(0), At(3'600'000)));
}

TEST_F(QueueDisciplineTest, FullQueueRefusesTheNewcomer) {
  QueueDiscipline discipline({.rule = Overload::kRefuse, .most_waiting = 2}, counters_);
  EXPECT_EQ(discipline.OnArrival(0, At(0)), Arrival::kWaits);
  EXPECT_EQ(discipline.OnArrival(1, At(0)), Arrival::kWaits);
  EXPECT_EQ(discipline.OnArrival(2, At(0)), Arrival::kRefused);
  EXPECT_TRUE(discipline.OnTurn(At(0), At(3'600'000)));
}

TEST_F(QueueDisciplineTest, WhatMayNotBeRefusedWaitsThoughTheQueueIsFull) {
  QueueDiscipline discipline({.rule = Overload::kRefuse, .most_waiting = 1}, counters_);
  EXPECT_FALSE(discipline.IsFull(0));
  EXPECT_EQ(discipline.OnArrival(0, At(0)), Arrival::kWaits);
  EXPECT_TRUE(discipline.IsFull(1));
  EXPECT_EQ(discipline.OnArrival(1, At(0), /*may_be_refused=*/false), Arrival::kWaits);
  EXPECT_EQ(discipline.OnArrival(2, At(0)), Arrival::kRefused);
  EXPECT_EQ(counters_.waiting, 2);
  EXPECT_EQ(counters_.longest, 2);
}

TEST_F(QueueDisciplineTest, NewestIsServedFirstAndTakesThePlaceOfTheOldest) {
  QueueDiscipline discipline({.rule = Overload::kNewest, .most_waiting = 1}, counters_);
  EXPECT_TRUE(discipline.takes_newest());
  EXPECT_EQ(discipline.OnArrival(0, At(0)), Arrival::kWaits);
  EXPECT_EQ(discipline.OnArrival(1, At(1)), Arrival::kInsteadOfOldest);
}

TEST_F(QueueDisciplineTest, BurstMayWaitForAnInterval) {
  QueueDiscipline discipline(kDeadline, counters_);
  discipline.OnArrival(0, At(0));
  EXPECT_TRUE(discipline.OnTurn(At(0), At(100)));
  EXPECT_EQ(discipline.most_patience(), absl::Milliseconds(100));
}

TEST_F(QueueDisciplineTest, NobodyWaitsForLongerThanAnInterval) {
  QueueDiscipline discipline(kDeadline, counters_);
  discipline.OnArrival(0, At(0));
  EXPECT_FALSE(discipline.OnTurn(At(0), At(101)));
}

TEST_F(QueueDisciplineTest, InAQueueThatStandsOneMayWaitForTheTargetOnly) {
  QueueDiscipline discipline(kDeadline, counters_);
  discipline.OnArrival(0, At(0));
  for (int ms = 10; ms <= 110; ms += 10) discipline.OnArrival(1, At(ms));
  EXPECT_TRUE(discipline.OnTurn(At(90), At(100)));
  EXPECT_FALSE(discipline.OnTurn(At(100), At(110)));
  EXPECT_TRUE(discipline.OnTurn(At(110), At(115)));
}

// The queue was empty in between, however long ago that is: nobody has asked since.
TEST_F(QueueDisciplineTest, QueueThatWasEmptyDoesNotStand) {
  QueueDiscipline discipline(kDeadline, counters_);
  discipline.OnArrival(0, At(0));
  for (int ms = 10; ms <= 200; ms += 10) discipline.OnArrival(1, At(ms));
  EXPECT_EQ(discipline.Patience(At(200)), absl::Milliseconds(5));
  discipline.OnArrival(0, At(60'000));
  EXPECT_EQ(discipline.Patience(At(60'100)), absl::Milliseconds(100));
}

TEST_F(QueueDisciplineTest, CountsWhoComesAndHowLongTheyWait) {
  QueueDiscipline discipline({.rule = Overload::kRefuse, .most_waiting = 2}, counters_);
  discipline.OnArrival(0, At(0));
  discipline.OnArrival(1, At(0));
  discipline.OnArrival(2, At(0));
  EXPECT_EQ(counters_.tasks, 2) << "the third one was never in the queue";
  EXPECT_EQ(counters_.waiting, 2);
  EXPECT_EQ(counters_.longest, 2);
  discipline.OnTurn(At(0), At(3));
  discipline.OnTurn(At(0), At(7));
  EXPECT_EQ(counters_.waiting, 0);
  EXPECT_EQ(counters_.longest, 2);
  EXPECT_EQ(counters_.waited_us, 10'000);
  EXPECT_EQ(counters_.longest_wait_us, 7'000);
}

// The clock does not go back, but a caller may have looked at it before another one.
TEST_F(QueueDisciplineTest, WhoComesInTheFutureHasNotWaited) {
  QueueDiscipline discipline(kDeadline, counters_);
  discipline.OnArrival(0, At(10));
  EXPECT_TRUE(discipline.OnTurn(At(10), At(5)));
  EXPECT_EQ(counters_.waited_us, 0);
}

}  // namespace

}  // namespace polyserve
