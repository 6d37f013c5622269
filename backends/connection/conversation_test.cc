// Conversation: which step follows which, and what the session is shown at each. A case for each arrow of the header's
// diagram; no socket, no clock.
#include "backends/connection/conversation.h"

#include <sys/uio.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mailbox.h"
#include "gtest/gtest.h"
#include "net/connection_table.h"
#include "net/endpoint.h"
#include "net/progress_watch.h"
#include "protocol/line_reader.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {
namespace {

Message Mail(absl::string_view text) { return std::make_shared<const std::string>(text); }

// Answers each line with itself in brackets, but some words are commands. Has a mailbox once it was told to "join".
class LineSession : public Session {
 public:
  void OnInput(Input& input, Output& output) override {
    while (!input.empty() && output.wants_more()) {
      const std::optional<absl::string_view> line = lines_.Next(input);
      if (!line.has_value()) return;
      Obey(*line, output);
    }
  }
  void OnEndOfInput(Output& output) override { output.Write("[end]"); }
  void OnTime(Output& output) override { output.Write("[time]"); }
  void OnResume(Output& output) override {
    if (std::exchange(has_worked_, false)) output.Write("[resumed]");
  }
  void OnStop() override { ++stops; }
  void OnMessage(const Message& message, Output& output) override { output.Write(*message); }
  Mailbox* mailbox() override { return has_joined_ ? &mail : nullptr; }
  bool awaits_rest_of_request() const override { return awaits_rest; }
  absl::string_view closing_message() const override { return "bye"; }

  Mailbox mail;
  bool awaits_rest = false;
  int stops = 0;

 private:
  void Obey(absl::string_view line, Output& output) {
    if (line == "work") {
      has_worked_ = true;
      output.Work([](Output& result) { result.Write("[worked]"); });
    } else if (line == "pause") {
      output.Write("[before]");
      output.Pause(absl::Seconds(1), [](Output& result) { result.Write("[after]"); });
    } else if (line == "big") {
      output.Write(std::string(Output::kHighWaterBytes, 'b'));
    } else if (line == "timer") {
      output.SetTimer(absl::Seconds(1));
    } else if (line == "close") {
      output.Close();
    } else if (line == "count") {
      output.CountRequest();
    } else if (line == "join") {
      has_joined_ = true;
    } else {
      output.Write("[" + std::string(line) + "]");
    }
  }

  LineReader lines_{1 << 24};
  bool has_joined_ = false;
  bool has_worked_ = false;
};

class ConversationTest : public testing::Test {
 protected:
  Step Next() { return conversation_.Next(output_); }

  Step OnBytes(absl::string_view bytes, bool is_full = false) {
    conversation_.OnBytes(bytes, output_, is_full);
    return Next();
  }

  // Does kSend, and returns what is sent.
  std::string Send() {
    EXPECT_EQ(conversation_.step(), Step::kSend);
    std::string sent;
    for (iovec piece; output_.FrontMemory(&piece, 1) == 1;) {
      sent.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      output_.Sent(static_cast<int64_t>(piece.iov_len));
    }
    output_.TakeCounts();
    return sent;
  }

  void RunTask() { RunTaskOf(conversation_); }
  void RunTaskOf(const Conversation& conversation) {
    EXPECT_EQ(conversation.step(), Step::kRunTask);
    output_.TakeWork()(output_);
  }

  void Resume() {
    EXPECT_EQ(conversation_.step(), Step::kResume);
    conversation_.Resume(output_);
  }

  LineSession* const session_ = new LineSession();
  Conversation conversation_{std::unique_ptr<Session>(session_)};
  Output output_;
};

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

TEST_F(ConversationTest, BeginsByReading) { EXPECT_EQ(Next(), Step::kRead); }

TEST_F(ConversationTest, SendsTheAnswerThenReadsOn) {
  EXPECT_EQ(OnBytes("one\n"), Step::kSend);
  EXPECT_EQ(Send(), "[one]");
  EXPECT_EQ(Next(), Step::kRead);
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

TEST_F(ConversationTest, SessionLearnsOfTheStopOnce) {
  EXPECT_TRUE(conversation_.OnStop(false));
  EXPECT_FALSE(conversation_.OnStop(false));
  EXPECT_TRUE(conversation_.OnStop(true)) << "the end of the grace is news";
  EXPECT_EQ(session_->stops, 1);
}

TEST_F(ConversationTest, PeerBetweenRequestsMaySpeakUntilTheGraceIsOver) {
  conversation_.OnStop(false);
  EXPECT_EQ(Next(), Step::kRead);
  conversation_.OnStop(true);
  EXPECT_EQ(Next(), Step::kReadLast);
}

TEST_F(ConversationTest, LastReadThatFindsNothingIsTheEnd) {
  conversation_.OnStop(true);
  Next();
  conversation_.OnDrained();
  EXPECT_EQ(Next(), Step::kEnd);
  EXPECT_EQ(conversation_.closing_message(), "bye");
}

TEST_F(ConversationTest, LastReadThatFindsARequestIsAnswered) {
  conversation_.OnStop(true);
  Next();
  EXPECT_EQ(OnBytes("one\n"), Step::kSend);
  EXPECT_EQ(Send(), "[one]");
  EXPECT_EQ(Next(), Step::kLinger);
}

TEST_F(ConversationTest, MailThatComesDuringTheLastReadIsSentFirst) {
  OnBytes("join\n");
  conversation_.OnStop(false);
  EXPECT_EQ(Next(), Step::kReadLast);
  session_->mail.Push(Mail("[a]"));
  conversation_.OnDrained();
  EXPECT_EQ(Next(), Step::kResume);
  Resume();
  Next();
  EXPECT_EQ(Send(), "[a]");
  EXPECT_EQ(Next(), Step::kReadLast);
}

TEST_F(ConversationTest, ReadThatFindsNothingBeforeTheStopMeansNothing) {
  Next();
  conversation_.OnDrained();
  conversation_.OnStop(true);
  EXPECT_EQ(Next(), Step::kReadLast);
}

TEST_F(ConversationTest, MemberOfARoomHasNoGrace) {
  OnBytes("join\n");
  conversation_.OnStop(false);
  EXPECT_EQ(Next(), Step::kReadLast);
}

TEST_F(ConversationTest, UnfinishedRequestOutlastsTheGrace) {
  conversation_.OnStop(true);
  EXPECT_EQ(OnBytes("tw"), Step::kRead);
}

TEST_F(ConversationTest, ClosesBehindTheAnswerToWhatComesAfterAStop) {
  conversation_.OnStop(false);
  OnBytes("one\ntw");
  EXPECT_EQ(Send(), "[one]");
  EXPECT_EQ(Next(), Step::kRead) << "the second line is on its way";
  OnBytes("o\n");
  EXPECT_EQ(Send(), "[two]");
  EXPECT_EQ(Next(), Step::kLinger);
}

TEST_F(ConversationTest, ClosesBehindATaskThatCameAfterAStop) {
  conversation_.OnStop(false);
  EXPECT_EQ(OnBytes("work\n"), Step::kRunTask);
  EXPECT_FALSE(output_.closing());
  RunTask();
  Next();
  Send();
  EXPECT_EQ(Next(), Step::kResume);
  Resume();
  EXPECT_EQ(Next(), Step::kSend);
  EXPECT_EQ(Send(), "[resumed]");
  EXPECT_EQ(Next(), Step::kLinger);
}

TEST_F(ConversationTest, WhatWasUnderWayAtAStopLeavesTheGrace) {
  OnBytes("work\n");
  conversation_.OnStop(false);
  RunTask();
  Next();
  Send();
  Next();
  Resume();
  Next();
  Send();
  EXPECT_EQ(Next(), Step::kRead);
  conversation_.OnStop(true);
  EXPECT_EQ(Next(), Step::kReadLast);
}

TEST_F(ConversationTest, DoesNotCloseIfMoreHasProbablyCome) {
  conversation_.OnStop(false);
  OnBytes("one\n", true);
  Send();
  EXPECT_EQ(Next(), Step::kRead);
  conversation_.OnStop(true);
  OnBytes("two\n", true);
  Send();
  EXPECT_EQ(Next(), Step::kLinger) << "after the grace, no more is waited for";
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

}  // namespace
}  // namespace polyserve
