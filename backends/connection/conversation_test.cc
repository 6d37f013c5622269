// Conversation: which step follows which, and what the session is shown at each. A case for each arrow of the header's
// diagram; those of a stop are in conversation_stop_test.cc.
#include "backends/connection/conversation.h"

#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "backends/connection/conversation_test_fixture.h"
#include "base/ip_address.h"
#include "gtest/gtest.h"
#include "net/connection_table.h"
#include "net/endpoint.h"
#include "net/progress_watch.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {
namespace {

TEST_F(ConversationTest, OtherProcessesSeeWhatItDoes) {
  const auto memory = std::make_unique<ConnectionTable::Table>();
  const ConnectionTable table(*memory);
  Conversation conversation(std::make_unique<LineSession>(), table.Enter(0, Endpoint()));
  using Activity = ConnectionTable::Activity;
  const auto activity = [&table] { return table.List().at(0).activity; };
  ASSERT_EQ(conversation.Next(output_), Step::kRead);
  EXPECT_EQ(activity(), Activity::kWaits);
  conversation.OnBytes("work\n", output_);
  EXPECT_EQ(activity(), Activity::kWorks);
  ASSERT_EQ(conversation.Next(output_), Step::kRunTask);
  EXPECT_EQ(activity(), Activity::kWorks);
  RunTaskOf(conversation);
  ASSERT_EQ(conversation.Next(output_), Step::kSend);
  EXPECT_EQ(activity(), Activity::kSends);
}

// A load balancer, which names its client by the first line.
class BalancerSession : public LineSession {
 public:
  void OnInput(Input& input, Output& output) override {
    LineSession::OnInput(input, output);
    if (!output.empty()) client_.emplace(AddressPort{*IpAddress::Parse("192.0.2.7"), 4711});
  }
  bool awaits_client() const override { return !client_.has_value(); }
  const AddressPort* client() const override { return &*client_; }

 private:
  std::optional<AddressPort> client_;
};

TEST_F(ConversationTest, OtherProcessesSeeWhomABalancerSpeaksFor) {
  const auto memory = std::make_unique<ConnectionTable::Table>();
  const ConnectionTable table(*memory);
  Conversation conversation(std::make_unique<BalancerSession>(), table.Enter(0, Endpoint()));
  const auto client = [&table] { return table.List().at(0).client; };
  ASSERT_EQ(conversation.Next(output_), Step::kRead);
  conversation.OnBytes("o", output_);
  EXPECT_EQ(client(), Endpoint());
  conversation.OnBytes("ne\n", output_);
  EXPECT_EQ(client().ToString(), "192.0.2.7:4711");
}

TEST_F(ConversationTest, BeginsByReading) { EXPECT_EQ(Next(), Step::kRead); }

TEST_F(ConversationTest, SendsTheAnswerThenReadsOn) {
  EXPECT_EQ(OnBytes("one\n"), Step::kSend);
  EXPECT_EQ(Send(), "[one]");
  EXPECT_EQ(Next(), Step::kRead);
}

TEST_F(ConversationTest, RefusedRequestGetsTheWordsAndTheEnd) {
  EXPECT_TRUE(conversation_.may_be_refused());
  conversation_.Refuse(output_);
  EXPECT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "[too much to do]");
  EXPECT_EQ(Next(), Step::kLinger);
}

TEST_F(ConversationTest, NothingThatIsUnderWayMayBeRefused) {
  OnBytes("on");
  EXPECT_FALSE(conversation_.may_be_refused()) << "half a request has come";
  OnBytes("e\nwork\n");
  EXPECT_FALSE(conversation_.may_be_refused()) << "its answer is unsent";
  Send();
  Next();
  EXPECT_FALSE(conversation_.may_be_refused()) << "it has a task";
  RunTask();
  Next();
  Send();
  Next();
  Resume();
  Next();
  Send();
  EXPECT_EQ(Next(), Step::kRead);
  EXPECT_TRUE(conversation_.may_be_refused());
  OnBytes("join\n");
  Next();
  EXPECT_FALSE(conversation_.may_be_refused()) << "it is a member of a room";
}

TEST_F(ConversationTest, HandshakeMayNotBeRefused) {
  OnBytes("open\n");
  Send();
  EXPECT_EQ(Next(), Step::kRead);
  EXPECT_FALSE(conversation_.may_be_refused());
}

TEST_F(ConversationTest, SendsUntilAllIsSent) {
  OnBytes("one\n");
  output_.Sent(2);
  EXPECT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "ne]");
  EXPECT_EQ(Next(), Step::kRead);
}

TEST_F(ConversationTest, RequestWithoutAReplyIsCountedAllTheSame) {
  EXPECT_EQ(OnBytes("count\n"), Step::kSend);
  EXPECT_EQ(Send(), "");
  EXPECT_EQ(Next(), Step::kRead);
}

TEST_F(ConversationTest, KeepsAnUnfinishedLineForLater) {
  EXPECT_EQ(OnBytes("on"), Step::kRead);
  EXPECT_FALSE(conversation_.idle());
  EXPECT_EQ(OnBytes("e\n"), Step::kSend);
  EXPECT_EQ(Send(), "[one]");
  EXPECT_TRUE(conversation_.idle());
}

TEST_F(ConversationTest, RunsTheTaskOnceAllBeforeItIsSent) {
  EXPECT_EQ(OnBytes("one\nwork\ntwo\n"), Step::kSend);
  EXPECT_EQ(Send(), "[one]") << "the line behind the task waits for it";
  EXPECT_EQ(Next(), Step::kRunTask);
  EXPECT_FALSE(conversation_.idle());
  RunTask();
  EXPECT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "[worked]");
  EXPECT_EQ(Next(), Step::kResume);
  Resume();
  EXPECT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "[resumed][two]");
  EXPECT_EQ(Next(), Step::kRead);
}

TEST_F(ConversationTest, TaskMayMakeAnotherTask) {
  OnBytes("work\n");
  output_.TakeWork();
  output_.Work([](Output&) {});
  EXPECT_EQ(Next(), Step::kRunTask);
}

TEST_F(ConversationTest, AwaitsTheAcknowledgementBeforeATaskThatAsksForIt) {
  OnBytes("pause\n");
  EXPECT_EQ(Send(), "[before]");
  EXPECT_EQ(Next(), Step::kAwaitAck);
  EXPECT_EQ(Next(), Step::kAwaitAck) << "the driver looks again";
  output_.pause() = {};  // As AckWaitLeft() does when the time has passed.
  EXPECT_EQ(Next(), Step::kRunTask);
  RunTask();
  EXPECT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "[after]");
}

TEST_F(ConversationTest, AsksAnotherServerWhenAllIsSentAndShowsNoInputBeforeItsAnswer) {
  EXPECT_EQ(OnBytes("ask\none\n"), Step::kSend);
  EXPECT_EQ(Send(), "[before]");
  EXPECT_EQ(Next(), Step::kAsk);
  EXPECT_EQ(OnBytes("two\n"), Step::kAsk);
  EXPECT_FALSE(conversation_.idle());
  EXPECT_EQ(conversation_.debt(), Debt::kAcknowledgement);
  output_.Answer("answer");
  EXPECT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "[answer]");
  EXPECT_EQ(Next(), Step::kResume);
  Resume();
  EXPECT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "[resumed][one][two]");
  EXPECT_EQ(Next(), Step::kRead);
}

TEST_F(ConversationTest, SetsTheTimerWhenAllIsSent) {
  EXPECT_EQ(OnBytes("timer\none\n"), Step::kSend);
  Send();
  EXPECT_EQ(Next(), Step::kSetTimer);
  EXPECT_EQ(conversation_.TakeTimer(output_), absl::Seconds(1));
  EXPECT_EQ(Next(), Step::kRead);
}

TEST_F(ConversationTest, TimerThatRunsOutWhileReadingIsTold) {
  EXPECT_EQ(OnBytes("on"), Step::kRead);
  conversation_.OnTimer();
  EXPECT_EQ(Next(), Step::kResume);
  Resume();
  EXPECT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "[time]") << "between two pieces of a line";
  EXPECT_EQ(Next(), Step::kRead) << "once";
}

TEST_F(ConversationTest, TimerThatRunsOutDuringATaskIsToldAfterIt) {
  OnBytes("work\n");
  conversation_.OnTimer();
  EXPECT_EQ(Next(), Step::kRunTask);
  RunTask();
  Next();
  EXPECT_EQ(Send(), "[worked]");
  EXPECT_EQ(Next(), Step::kResume);
  Resume();
  Next();
  EXPECT_EQ(Send(), "[resumed]");
  EXPECT_EQ(Next(), Step::kResume);
  Resume();
  Next();
  EXPECT_EQ(Send(), "[time]");
}

TEST_F(ConversationTest, TimerThatIsSetAnewIsNotTold) {
  OnBytes("timer\none\n");
  conversation_.OnTimer();  // The one before.
  Send();
  EXPECT_EQ(Next(), Step::kSetTimer);
  conversation_.TakeTimer(output_);
  EXPECT_EQ(Next(), Step::kRead);
}

TEST_F(ConversationTest, MailIsShownWhenAllIsSent) {
  OnBytes("join\none\n");
  session_->mail.Push(Mail("[a]"));
  session_->mail.Push(Mail("[b]"));
  EXPECT_EQ(Send(), "[one]");
  EXPECT_EQ(Next(), Step::kResume);
  Resume();
  EXPECT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "[a][b]") << "in one piece";
  EXPECT_EQ(Next(), Step::kRead);
}

TEST_F(ConversationTest, InputThatIsHeldUpAndMailTakeTurns) {
  OnBytes("join\nbig\nbig\nbig\nlast\n");
  std::string order;
  for (int i = 0; i < 4; ++i) {
    order += Send()[0];
    session_->mail.Push(Mail(std::string(Output::kHighWaterBytes, 'm')));
    EXPECT_EQ(Next(), Step::kResume);
    Resume();
    Next();
  }
  EXPECT_EQ(order, "bmbm");
}

TEST_F(ConversationTest, MemberThatIsCutOffEndsAtOnce) {
  OnBytes("join\none\n");
  session_->mail.CutOff();
  EXPECT_EQ(Next(), Step::kEnd);
  EXPECT_EQ(conversation_.closing_message(), "") << "a reply is half sent";
}

TEST_F(ConversationTest, MemberThatIsCutOffBetweenRepliesGetsAClosingMessage) {
  OnBytes("join\n");
  EXPECT_EQ(Next(), Step::kRead);
  session_->mail.CutOff();
  EXPECT_EQ(Next(), Step::kEnd);
  EXPECT_EQ(conversation_.closing_message(), "bye");
}

TEST_F(ConversationTest, MemberThatIsCutOffIsNotHeardAnyMore) {
  OnBytes("join\n");
  session_->mail.CutOff();
  EXPECT_EQ(OnBytes("one\n"), Step::kEnd);
  EXPECT_EQ(conversation_.closing_message(), "bye");
}

TEST_F(ConversationTest, ClosingMessageIsNeverSentIntoAReply) {
  Next();
  EXPECT_EQ(conversation_.closing_message(), "bye");
  conversation_.OnBytes("one\n", output_);
  EXPECT_EQ(conversation_.closing_message(), "");
  Next();
  EXPECT_EQ(conversation_.closing_message(), "");
  Send();
  Next();
  EXPECT_EQ(conversation_.closing_message(), "bye");
}

TEST_F(ConversationTest, LingersWhenTheSessionCloses) {
  EXPECT_EQ(OnBytes("one\nclose\n"), Step::kSend);
  Send();
  EXPECT_EQ(Next(), Step::kLinger);
  output_.Clear();
  EXPECT_EQ(Next(), Step::kLinger) << "final";
}

TEST_F(ConversationTest, EndsWhenThePeersLastRequestIsAnswered) {
  conversation_.OnEnd(output_);
  EXPECT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "[end]");
  EXPECT_EQ(Next(), Step::kEnd);
  EXPECT_EQ(Next(), Step::kEnd) << "final";
}

TEST_F(ConversationTest, EndOfInputIsToldAfterAllThatCameBefore) {
  OnBytes("big\none\n");
  conversation_.OnEnd(output_);
  Send();
  EXPECT_EQ(Next(), Step::kResume);
  Resume();
  Next();
  EXPECT_EQ(Send(), "[one][end]");
  EXPECT_EQ(Next(), Step::kEnd);
}

TEST_F(ConversationTest, BytesThatComeTooEarlyAreHeldUp) {
  OnBytes("one\ntw");
  EXPECT_FALSE(conversation_.takes_input());
  EXPECT_EQ(OnBytes("o\nthr"), Step::kSend);
  EXPECT_EQ(Send(), "[one]");
  EXPECT_EQ(Next(), Step::kResume);
  Resume();
  Next();
  conversation_.OnBytes("ee\n", output_);
  conversation_.OnEnd(output_);
  EXPECT_EQ(Send(), "[two]");
  EXPECT_EQ(Next(), Step::kResume);
  Resume();
  Next();
  EXPECT_EQ(Send(), "[three][end]");
}

TEST_F(ConversationTest, EndThatComesTooEarlyIsHeldUp) {
  OnBytes("one\n");
  conversation_.OnEnd(output_);
  EXPECT_EQ(Send(), "[one]");
  EXPECT_EQ(Next(), Step::kResume);
  Resume();
  Next();
  EXPECT_EQ(Send(), "[end]");
}

TEST_F(ConversationTest, BytesThatComeTogetherAreAnsweredTogether) {
  conversation_.OnBytes("one\n", output_);
  conversation_.OnBytes("two\n", output_);
  Next();
  EXPECT_EQ(Send(), "[one][two]");
}

TEST_F(ConversationTest, PeerOwesWhatTheStepWaitsFor) {
  Next();
  EXPECT_EQ(conversation_.debt(), Debt::kNothing);
  session_->awaits_rest = true;
  EXPECT_EQ(conversation_.debt(), Debt::kRestOfRequest);
  OnBytes("pause\n");
  EXPECT_EQ(conversation_.debt(), Debt::kAcknowledgement);
  Send();
  Next();
  EXPECT_EQ(conversation_.debt(), Debt::kAcknowledgement);
  output_.Clear();
  output_.Close();
  EXPECT_EQ(Next(), Step::kLinger);
  EXPECT_EQ(conversation_.debt(), Debt::kNothing);
}

// Were the rest moved to the front each time, this would take minutes and run into the test's time-out.
TEST_F(ConversationTest, CostsTimeInProportionToWhatIsLeft) {
  std::string input;
  for (int i = 0; i < 2'000'000; ++i) input += "work\n";
  OnBytes(input);
  int tasks = 0;
  while (conversation_.step() != Step::kRead) {
    if (conversation_.step() == Step::kRunTask) ++tasks, output_.TakeWork();
    if (conversation_.step() == Step::kResume) conversation_.Resume(output_);
    if (conversation_.step() == Step::kSend) output_.Sent(output_.unsent_bytes());
    Next();
  }
  EXPECT_EQ(tasks, 2'000'000);
}

// Mail goes on, and what the session has not taken waits with the conversation until there is room for it.
TEST_F(ConversationTest, SessionThatAwaitsRoomTakesNoInputButMail) {
  OnBytes("join\n");
  ASSERT_EQ(OnBytes("full\none\n"), Step::kRead);
  EXPECT_FALSE(conversation_.takes_input());
  EXPECT_EQ(conversation_.debt(), Debt::kNothing);
  EXPECT_FALSE(conversation_.idle());
  session_->mail.Push(Mail("mail"));
  ASSERT_EQ(Next(), Step::kResume);
  Resume();
  ASSERT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "mail");
  ASSERT_EQ(Next(), Step::kRead);
  EXPECT_FALSE(conversation_.takes_input());
  ASSERT_EQ(OnBytes("two\n"), Step::kRead) << "only a kernel that reads ahead reports bytes now";
  session_->mail.NoteRoom();
  ASSERT_EQ(Next(), Step::kResume);
  Resume();
  ASSERT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "[one][two]");
  ASSERT_EQ(Next(), Step::kRead);
  EXPECT_TRUE(conversation_.takes_input());
}

TEST_F(ConversationTest, EndOfTheInputComesBehindWhatHasWaitedForRoom) {
  OnBytes("join\n");
  OnBytes("full\none\n");
  conversation_.OnEnd(output_);
  ASSERT_EQ(Next(), Step::kRead);
  session_->mail.NoteRoom();
  ASSERT_EQ(Next(), Step::kResume);
  Resume();
  ASSERT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "[one][end]");
  EXPECT_EQ(Next(), Step::kEnd);
}

TEST_F(ConversationTest, SessionThatOutlivesItsInputGoesOnWithMailUntilItCloses) {
  session_->outlives = true;
  OnBytes("join\n");
  conversation_.OnEnd(output_);
  ASSERT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "[end]");
  ASSERT_EQ(Next(), Step::kRead);
  EXPECT_FALSE(conversation_.takes_input());
  session_->mail.Push(Mail("mail"));
  session_->mail.Push(Mail(""));
  ASSERT_EQ(Next(), Step::kResume);
  Resume();
  ASSERT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "mail");
  EXPECT_EQ(Next(), Step::kEnd) << "the peer has ended its side: there is nothing to linger for";
}

TEST_F(ConversationTest, HalfCloseIsAStepOfItsOwnBehindAllOutput) {
  output_.Write("last");
  output_.HalfClose();
  ASSERT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "last");
  ASSERT_EQ(Next(), Step::kSend);
  EXPECT_TRUE(output_.TakeHalfClose());
  ASSERT_EQ(Next(), Step::kRead);
  EXPECT_TRUE(conversation_.takes_input());
}

}  // namespace
}  // namespace polyserve
