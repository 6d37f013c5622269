// TimedRequest: each moment of a request counts for one part, whatever the order of its arrival and of the wait for it.
#include "backends/connection/timed_request.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>

#include "gtest/gtest.h"
#include "net/request_times.h"

namespace polyserve {
namespace {

using std::chrono::microseconds;

constexpr int kService = 2;

// Times are in microseconds after a moment before all of them, and those of the processor after another one.
class TimedRequestTest : public testing::Test {
 protected:
  static TimedRequest::Clock::time_point At(int time) { return TimedRequest::Clock::time_point(microseconds(time)); }
  static TimedRequest::Moment At(int time, int processor) { return {At(time), microseconds(processor)}; }

  TimedRequest Begin(int arrived, int wait_began, int wait_ended, int taken) const {
    return TimedRequest(times_, kService, {At(arrived), At(wait_began), At(wait_ended), At(taken, 0)});
  }

  // In microseconds, over all requests.
  double Of(RequestPart part) const {
    return 1e6 * times_.FiguresOf(kService).parts[static_cast<size_t>(part)].seconds;
  }
  double Whole() const { return 1e6 * times_.FiguresOf(kService).whole.seconds; }

  const std::unique_ptr<RequestTimes::Table> table_ = std::make_unique<RequestTimes::Table>();
  const RequestTimes times_ = RequestTimes(*table_, 1);
};

TEST_F(TimedRequestTest, ThreadThatWaitsIsWokenUpForIt) {
  TimedRequest request = Begin(200, 100, 230, 250);
  request.Finish(At(250, 0));
  EXPECT_DOUBLE_EQ(Of(RequestPart::kSocket), 0);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kWakeup), 30);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kQueue), 20);
  EXPECT_DOUBLE_EQ(Whole(), 50);
}

TEST_F(TimedRequestTest, WhatArrivesWhileItsThreadIsBusyLiesInTheSocket) {
  TimedRequest request = Begin(100, 170, 180, 200);
  request.Finish(At(200, 0));
  EXPECT_DOUBLE_EQ(Of(RequestPart::kSocket), 70);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kWakeup), 10);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kQueue), 20);
}

TEST_F(TimedRequestTest, WhatArrivesBehindTheWaitIsQueuedFromItsArrivalOn) {
  TimedRequest request = Begin(190, 100, 180, 200);
  request.Finish(At(200, 0));
  EXPECT_DOUBLE_EQ(Of(RequestPart::kQueue), 10);
  EXPECT_DOUBLE_EQ(Whole(), 10);
}

TEST_F(TimedRequestTest, NoPartIsNegativeIfItArrivesWhileItIsTaken) {
  TimedRequest request = Begin(210, 100, 180, 200);
  request.Finish(At(215, 15));
  EXPECT_DOUBLE_EQ(Of(RequestPart::kQueue), 0);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kRun), 15);
  EXPECT_DOUBLE_EQ(Whole(), 15);
}

TEST_F(TimedRequestTest, TimeWithoutAProcessorIsApart) {
  TimedRequest request = Begin(0, 0, 0, 0);
  request.Run(RequestPart::kSend, RequestPart::kPeer, At(100, 70));
  request.Finish(At(150, 80));
  EXPECT_DOUBLE_EQ(Of(RequestPart::kRun), 70);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kOffCpu), 30);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kSend), 10);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kPeer), 40);
  EXPECT_DOUBLE_EQ(Whole(), 150);
}

// As in a loop, which serves other clients meanwhile.
TEST_F(TimedRequestTest, WhatTheThreadDoesWhileItWaitsDoesNotCount) {
  TimedRequest request = Begin(0, 0, 0, 0);
  request.Wait(RequestPart::kWait, At(10, 10));
  request.Run(RequestPart::kRun, RequestPart::kOffCpu, At(1010, 900));
  request.Finish(At(1030, 920));
  EXPECT_DOUBLE_EQ(Of(RequestPart::kWait), 1000);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kRun), 30);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kOffCpu), 0);
}

TEST_F(TimedRequestTest, ProcessorCannotHaveRunForLongerThanTheTime) {
  TimedRequest request = Begin(0, 0, 0, 0);
  request.Finish(At(10, 11));
  EXPECT_DOUBLE_EQ(Of(RequestPart::kRun), 10);
  EXPECT_DOUBLE_EQ(Whole(), 10);
}

TEST_F(TimedRequestTest, RequestThatIsNotFinishedIsNotCounted) {
  Begin(0, 0, 0, 0);
  EXPECT_EQ(times_.FiguresOf(kService).whole.count, 0);
}

TEST_F(TimedRequestTest, CallThatHasWaitedSaysForWhomAfterwards) {
  TimedRequest request = Begin(0, 0, 0, 0);
  request.Run(RequestPart::kSend, RequestPart::kOffCpu, At(100, 100));
  request.OffProcessorIs(RequestPart::kPeer);
  request.Finish(At(1000, 110));
  EXPECT_DOUBLE_EQ(Of(RequestPart::kSend), 10);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kPeer), 890);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kOffCpu), 0);
}

TEST_F(TimedRequestTest, ThreadThatSleepsIsSeenToSleep) {
  const int64_t before = TimedRequest::Sleeps();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_GT(TimedRequest::Sleeps(), before);
}

TEST_F(TimedRequestTest, ClockOfTheThreadGoesOnWhileItRuns) {
  const TimedRequest::Moment before = TimedRequest::Moment::Now();
  TimedRequest::Moment after = before;
  while (after.processor - before.processor < microseconds(100)) after = TimedRequest::Moment::Now();
  EXPECT_GT(after.time, before.time);
}

}  // namespace
}  // namespace polyserve
