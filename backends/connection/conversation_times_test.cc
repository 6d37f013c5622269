// Conversation: which requests are timed to their end, and for which part each of their steps counts.
#include <chrono>
#include <memory>
#include <thread>

#include "backends/connection/conversation.h"
#include "backends/connection/conversation_test_fixture.h"
#include "backends/connection/timed_request.h"
#include "gtest/gtest.h"
#include "net/request_times.h"
#include "protocol/output.h"

namespace polyserve {
namespace {

using Moment = TimedRequest::Moment;

// Long enough to be told from everything else here, were it of another part: parts that must have nothing are exactly
// 0.
constexpr std::chrono::milliseconds kAWhile(2);

// Works, on the processor.
void Spin() {
  const Moment begin = Moment::Now();
  while (Moment::Now().processor - begin.processor < kAWhile) continue;
}

// Lets time pass, whatever the thread does meanwhile.
void LetPass() {
  const TimedRequest::Clock::time_point end = TimedRequest::Clock::now() + kAWhile;
  while (TimedRequest::Clock::now() < end) continue;
}

class ConversationTimesTest : public ConversationTest {
 protected:
  // As a driver that has received these bytes in a turn that is timed.
  bool Start() {
    const Moment now = Moment::Now();
    return conversation_.StartTiming(times_, {now.time, now.time, now.time, now});
  }
  Step OnTimedBytes(absl::string_view bytes) {
    EXPECT_TRUE(Start());
    return OnBytes(bytes);
  }

  double Seconds(RequestPart part) const {
    return times_.FiguresOf(kNoService).parts[static_cast<size_t>(part)].seconds;
  }
  int64_t Count() const { return times_.FiguresOf(kNoService).whole.count; }
  static double AWhile() { return std::chrono::duration<double>(kAWhile).count(); }

  const std::unique_ptr<RequestTimes::Table> table_ = std::make_unique<RequestTimes::Table>();
  const RequestTimes times_ = RequestTimes(*table_, 1);
};

TEST_F(ConversationTimesTest, RequestIsOverWhenItsAnswerIsSent) {
  EXPECT_EQ(OnTimedBytes("count\none\n"), Step::kSend);
  EXPECT_EQ(Count(), 0);
  Send();
  EXPECT_EQ(Next(), Step::kRead);
  EXPECT_EQ(Count(), 1);
  EXPECT_FALSE(conversation_.is_timed());
}

TEST_F(ConversationTimesTest, NextRequestIsNotTimedByItself) {
  OnTimedBytes("count\none\n");
  Send();
  Next();
  OnBytes("count\ntwo\n");
  Send();
  Next();
  EXPECT_EQ(Count(), 1);
}

// Its time would be that of the peer, which takes as long as it likes for the rest.
TEST_F(ConversationTimesTest, PartOfARequestIsNotTimed) {
  EXPECT_EQ(OnTimedBytes("count\none\nt"), Step::kSend);
  Send();
  Next();
  EXPECT_EQ(Count(), 1);
  EXPECT_EQ(OnTimedBytes("wo"), Step::kRead);
  EXPECT_FALSE(conversation_.is_timed());
  EXPECT_EQ(OnTimedBytes("\n"), Step::kSend);
  Send();
  Next();
  EXPECT_EQ(Count(), 1) << "the line has no request to count";
}

// As of an upload: the session counts it when it has its first line, and answers when it has its content.
TEST_F(ConversationTimesTest, RequestThatIsCountedBeforeItsRestHasComeIsNotTimed) {
  EXPECT_EQ(OnTimedBytes("count\n"), Step::kSend);
  Send();
  EXPECT_EQ(Next(), Step::kRead);
  EXPECT_EQ(Count(), 0);
  EXPECT_FALSE(conversation_.is_timed());
}

TEST_F(ConversationTimesTest, AnswerThatCountsNoRequestIsNone) {
  EXPECT_EQ(OnTimedBytes("open\n"), Step::kSend);
  Send();
  EXPECT_EQ(Next(), Step::kRead);
  EXPECT_EQ(Count(), 0);
  EXPECT_FALSE(conversation_.is_timed());
}

TEST_F(ConversationTimesTest, OneRequestIsTimedAtATime) {
  OnTimedBytes("count\none\n");
  EXPECT_FALSE(Start());
}

TEST_F(ConversationTimesTest, BytesThatAreHeldUpAreNotTimed) {
  OnBytes("one\n");
  EXPECT_FALSE(Start());
}

TEST_F(ConversationTimesTest, AnswerThatClosesTheConnectionIsTimed) {
  OnTimedBytes("count\none\nclose\n");
  Send();
  EXPECT_EQ(Next(), Step::kLinger);
  EXPECT_EQ(Count(), 1);
}

TEST_F(ConversationTimesTest, WorkThatIsDoneHereRuns) {
  OnTimedBytes("count\nwork\n");
  Send();
  ASSERT_EQ(Next(), Step::kRunTask);
  RunTask();
  Spin();
  ASSERT_EQ(Next(), Step::kSend);
  Send();
  Next();
  EXPECT_EQ(Count(), 1);
  EXPECT_GE(Seconds(RequestPart::kRun), AWhile());
  EXPECT_EQ(Seconds(RequestPart::kQueue), 0);
  EXPECT_EQ(Seconds(RequestPart::kWait), 0);
}

TEST_F(ConversationTimesTest, WaitOfALoopIsTheServices) {
  OnTimedBytes("count\npause\n");
  Send();
  ASSERT_EQ(Next(), Step::kAwaitAck);
  conversation_.Leave(RequestPart::kWait);
  LetPass();
  output_.pause() = {};  // As AckWaitLeft() does when the time has passed.
  ASSERT_EQ(Next(), Step::kRunTask);
  RunTask();
  Next();
  Send();
  Next();
  EXPECT_EQ(Count(), 1);
  EXPECT_GE(Seconds(RequestPart::kWait), AWhile());
  EXPECT_EQ(Seconds(RequestPart::kQueue), 0);
}

TEST_F(ConversationTimesTest, ThreadThatSleepsInAStepWaitsAsALoopDoes) {
  OnTimedBytes("count\npause\n");
  Send();
  ASSERT_EQ(Next(), Step::kAwaitAck);
  std::this_thread::sleep_for(kAWhile);  // As a blocking driver does.
  output_.pause() = {};
  Next();
  RunTask();
  Next();
  Send();
  Next();
  EXPECT_GT(Seconds(RequestPart::kWait), 0);
  EXPECT_GE(Seconds(RequestPart::kWait) + Seconds(RequestPart::kRun), AWhile());
}

// The request is queued until a helper begins, and from its end until the loop comes back.
TEST_F(ConversationTimesTest, TaskOfAnotherThreadIsQueuedBeforeAndBehindIt) {
  OnTimedBytes("count\nwork\n");
  Send();
  ASSERT_EQ(Next(), Step::kRunTask);
  Output::Task task = conversation_.TakeTask(output_);
  LetPass();
  std::thread helper([&] {
    task(output_);
    LetPass();
  });
  helper.join();
  ASSERT_EQ(Next(), Step::kSend);
  Send();
  Next();
  EXPECT_EQ(Count(), 1);
  EXPECT_GE(Seconds(RequestPart::kQueue), 2 * AWhile());
}

TEST_F(ConversationTimesTest, TaskOfAClientThatHasLeftMayStillRun) {
  auto conversation = std::make_unique<Conversation>(std::make_unique<LineSession>());
  const Moment now = Moment::Now();
  conversation->Next(output_);
  ASSERT_TRUE(conversation->StartTiming(times_, {now.time, now.time, now.time, now}));
  conversation->OnBytes("work\n", output_);
  ASSERT_EQ(conversation->Next(output_), Step::kRunTask);
  Output::Task task = conversation->TakeTask(output_);
  conversation = nullptr;
  Output result;
  task(result);
  EXPECT_FALSE(result.empty());
  EXPECT_EQ(Count(), 0);
}

TEST_F(ConversationTimesTest, SocketThatIsFullIsThePeers) {
  OnTimedBytes("count\none\n");
  conversation_.Leave(RequestPart::kPeer);
  LetPass();
  ASSERT_EQ(Next(), Step::kSend);
  Send();
  Next();
  EXPECT_GE(Seconds(RequestPart::kPeer), AWhile());
}

}  // namespace
}  // namespace polyserve
