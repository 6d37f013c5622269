// Conversation: what is shown to a session, and when.
#include "backends/connection/conversation.h"

#include <memory>
#include <string>

#include "base/mailbox.h"
#include "gtest/gtest.h"
#include "protocol/line_reader.h"

namespace polyserve {
namespace {

// Answers each line with itself in brackets, one line a call; "work" is answered by a task, "big" with much.
class LineSession : public Session {
 public:
  void OnInput(Input& input, Output& output) override {
    while (!input.empty() && output.wants_more()) {
      const std::optional<absl::string_view> line = lines_.Next(input);
      if (!line.has_value()) return;
      if (*line == "work") {
        output.Work([](Output& result) { result.Write("[worked]"); });
      } else if (*line == "big") {
        output.Write(std::string(Output::kHighWaterBytes, 'b'));
      } else {
        output.Write("[" + std::string(*line) + "]");
      }
    }
  }
  void OnEndOfInput(Output& output) override {
    output.Write("[end]");
    output.Close();
  }
  void OnTime(Output& output) override {
    output.Work([](Output& result) { result.Write("[time]"); });
  }

 private:
  LineReader lines_{1 << 24};
};

// Performs the output at once.
void Perform(Output& output) {
  if (output.has_work()) output.TakeWork()(output);
  output.Clear();
}

TEST(ConversationTest, KeepsAnUnfinishedLineForLater) {
  Conversation conversation(std::make_unique<LineSession>());
  Output output;
  conversation.OnBytes("on", output);
  EXPECT_TRUE(output.empty());
  EXPECT_FALSE(conversation.idle());
  conversation.OnBytes("e\n", output);
  EXPECT_EQ(output.unsent_bytes(), 5);
  EXPECT_TRUE(conversation.idle());
  EXPECT_FALSE(conversation.ContinueInput(output)) << "nothing held it up";
}

TEST(ConversationTest, ShowsNothingMoreUntilTheTaskHasEnded) {
  Conversation conversation(std::make_unique<LineSession>());
  Output output;
  conversation.OnBytes("work\none\nwork\ntw", output);
  EXPECT_TRUE(output.has_work());
  EXPECT_TRUE(output.empty()) << "the next line has to wait";
  EXPECT_FALSE(conversation.idle());
  Perform(output);
  EXPECT_TRUE(conversation.ContinueInput(output));
  EXPECT_EQ(output.unsent_bytes(), 5);
  EXPECT_TRUE(output.has_work());
  Perform(output);
  EXPECT_TRUE(conversation.ContinueInput(output));
  EXPECT_FALSE(conversation.ContinueInput(output)) << "the rest is no whole line";
}

// Has a mailbox from the first input on.
class LateMemberSession : public Session {
 public:
  void OnInput(Input& input, Output&) override {
    input.ConsumeAll();
    has_joined_ = true;
    member_.Push(std::make_shared<const std::string>("mail\n"));
  }
  Mailbox* mailbox() override { return has_joined_ ? &member_ : nullptr; }
  void OnMessage(const Message& message, Output& output) override { output.Write(*message); }

 private:
  Mailbox member_;
  bool has_joined_ = false;
};

TEST(ConversationTest, ShowsTheMailOfAMailboxThatWasNotThereAtFirst) {
  Conversation conversation(std::make_unique<LateMemberSession>());
  EXPECT_EQ(conversation.mailbox(), nullptr);
  Output output;
  conversation.OnBytes("join", output);
  EXPECT_NE(conversation.mailbox(), nullptr);
  EXPECT_TRUE(conversation.ContinueInput(output));
  EXPECT_EQ(output.unsent_bytes(), 5);
}

TEST(ConversationTest, TellsTheEndOnlyAfterAllThatCameBefore) {
  Conversation conversation(std::make_unique<LineSession>());
  Output output;
  conversation.OnBytes("big\none\n", output);
  conversation.OnEnd(output);
  EXPECT_FALSE(conversation.ended());
  Perform(output);
  EXPECT_TRUE(conversation.ContinueInput(output));
  EXPECT_TRUE(conversation.ended());
  EXPECT_EQ(output.unsent_bytes(), 5 + 5);
  EXPECT_TRUE(output.closing());
}

TEST(ConversationTest, ShowsWhatWasHeldBackWhenTheOutputIsPerformed) {
  Conversation conversation(std::make_unique<LineSession>());
  Output output;
  conversation.OnBytes("one\ntw", output);
  conversation.HoldBack("o\nthr");
  EXPECT_FALSE(conversation.idle());
  EXPECT_EQ(output.unsent_bytes(), 5) << "shown although it was to be held back";
  Perform(output);
  EXPECT_TRUE(conversation.ContinueInput(output));
  EXPECT_EQ(output.unsent_bytes(), 5);
  conversation.HoldBack("ee\n");
  conversation.OnEnd(output);
  EXPECT_FALSE(conversation.ended());
  Perform(output);
  EXPECT_TRUE(conversation.ContinueInput(output));
  EXPECT_TRUE(conversation.ended());
  EXPECT_EQ(output.unsent_bytes(), 7 + 5);
}

TEST(ConversationTest, EndThatIsHeldBackIsToldWhenTheOutputIsPerformed) {
  Conversation conversation(std::make_unique<LineSession>());
  Output output;
  conversation.OnBytes("one\n", output);
  conversation.HoldBack("");
  conversation.OnEnd(output);
  EXPECT_FALSE(conversation.ended());
  Perform(output);
  EXPECT_TRUE(conversation.ContinueInput(output));
  EXPECT_TRUE(conversation.ended());
}

TEST(ConversationTest, TimeIsToldBetweenTwoPiecesOfALine) {
  Conversation conversation(std::make_unique<LineSession>());
  Output output;
  conversation.OnBytes("on", output);
  conversation.OnTime(output);
  EXPECT_TRUE(output.has_work());
  EXPECT_TRUE(conversation.paused()) << "nothing is shown before the task has ended";
  Perform(output);
  conversation.ContinueInput(output);
  conversation.OnBytes("e\n", output);
  EXPECT_EQ(output.unsent_bytes(), 5);
}

TEST(ConversationTest, ClosesBehindTheAnswerToWhatComesAfterAStop) {
  Conversation conversation(std::make_unique<LineSession>());
  Output output;
  conversation.OnStop();
  conversation.OnBytes("one\ntw", output);
  EXPECT_FALSE(output.closing()) << "the second line is on its way";
  EXPECT_FALSE(conversation.ends(true));
  conversation.OnBytes("o\n", output);
  EXPECT_EQ(output.unsent_bytes(), 10);
  EXPECT_TRUE(output.closing());
}

TEST(ConversationTest, ClosesBehindATaskThatCameAfterAStop) {
  Conversation conversation(std::make_unique<LineSession>());
  Output output;
  conversation.OnStop();
  conversation.OnBytes("work\n", output);
  EXPECT_FALSE(output.closing());
  Perform(output);
  EXPECT_TRUE(conversation.ContinueInput(output));
  EXPECT_TRUE(output.closing());
}

TEST(ConversationTest, WhatWasUnderWayAtAStopLeavesTheGrace) {
  Conversation conversation(std::make_unique<LineSession>());
  Output output;
  conversation.OnBytes("work\n", output);
  conversation.OnStop();
  EXPECT_FALSE(conversation.ends(true)) << "a task is under way";
  Perform(output);
  EXPECT_FALSE(conversation.ContinueInput(output));
  EXPECT_FALSE(output.closing());
  EXPECT_FALSE(conversation.ends(false));
  EXPECT_TRUE(conversation.ends(true));
}

TEST(ConversationTest, DoesNotCloseWhereMoreHasProbablyCome) {
  Conversation conversation(std::make_unique<LineSession>());
  Output output;
  conversation.OnStop();
  conversation.OnBytes("one\n", output, true);
  EXPECT_FALSE(output.closing());
}

// Were the rest moved to the front each time, this would take minutes and run into the test's time-out.
TEST(ConversationTest, CostsTimeInProportionToWhatIsLeft) {
  std::string input;
  for (int i = 0; i < 2'000'000; ++i) input += "work\n";
  Conversation conversation(std::make_unique<LineSession>());
  Output output;
  conversation.OnBytes(input, output);
  int tasks = 0;
  do {
    tasks += output.has_work() ? 1 : 0;
    Perform(output);
  } while (conversation.ContinueInput(output));
  EXPECT_EQ(tasks, 2'000'000);
}

}  // namespace
}  // namespace polyserve
