// Mailbox: order, the wakes, and the bound.
#include "base/mailbox.h"

#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

Message Text(const std::string& text) { return std::make_shared<const std::string>(text); }

class CountingWaker : public Waker {
 public:
  void Wake() override { ++wakes; }
  int wakes = 0;
};

TEST(MailboxTest, TellsWhoeverComesOfWhatIsThereAlready) {
  Mailbox mailbox;
  CountingWaker early, late, latest;
  mailbox.Attach(&early);
  EXPECT_EQ(early.wakes, 0);
  mailbox.Attach(nullptr);
  EXPECT_TRUE(mailbox.Push(Text("a")));
  mailbox.Attach(&late);
  EXPECT_EQ(late.wakes, 1);
  EXPECT_EQ(*mailbox.Next(), "a");
  mailbox.CutOff();
  mailbox.Attach(&latest);
  EXPECT_EQ(latest.wakes, 1);
}

TEST(MailboxTest, GivesMessagesInTheirOrder) {
  Mailbox mailbox;
  EXPECT_FALSE(mailbox.has_mail());
  EXPECT_EQ(mailbox.Next(), nullptr);
  EXPECT_TRUE(mailbox.Push(Text("a")));
  EXPECT_TRUE(mailbox.Push(Text("b")));
  EXPECT_TRUE(mailbox.has_mail());
  EXPECT_EQ(*mailbox.Next(), "a");
  EXPECT_TRUE(mailbox.Push(Text("c")));
  EXPECT_EQ(*mailbox.Next(), "b");
  EXPECT_EQ(*mailbox.Next(), "c");
  EXPECT_EQ(mailbox.Next(), nullptr);
  EXPECT_FALSE(mailbox.has_mail());
}

TEST(MailboxTest, RoomWakesTheDriverAsMailDoes) {
  struct Stream : Mailbox {
    using Mailbox::AwaitRoom;
    using Mailbox::NoteRoom;
  } mailbox;
  CountingWaker waker;
  mailbox.Attach(&waker);
  EXPECT_FALSE(mailbox.awaits_room());
  mailbox.AwaitRoom();
  EXPECT_TRUE(mailbox.awaits_room());
  EXPECT_EQ(waker.wakes, 0);
  mailbox.NoteRoom();
  EXPECT_FALSE(mailbox.awaits_room());
  EXPECT_EQ(waker.wakes, 1);
  EXPECT_FALSE(mailbox.has_mail());
}

TEST(MailboxTest, WhatIsPushedQuietlyWakesWhenThatIsDue) {
  Mailbox mailbox;
  CountingWaker waker;
  mailbox.Attach(&waker);
  mailbox.WakeIfDue();
  EXPECT_EQ(waker.wakes, 0);
  mailbox.PushQuietly(Text("a"));
  mailbox.PushQuietly(Text("b"));
  EXPECT_TRUE(mailbox.has_mail());
  EXPECT_EQ(waker.wakes, 0);
  mailbox.WakeIfDue();
  mailbox.WakeIfDue();
  EXPECT_EQ(waker.wakes, 1);
  EXPECT_EQ(*mailbox.Next(), "a");
  EXPECT_EQ(*mailbox.Next(), "b");
}

TEST(MailboxTest, PushWakesForWhatWasPushedQuietlyBefore) {
  Mailbox mailbox;
  CountingWaker waker;
  mailbox.Attach(&waker);
  mailbox.PushQuietly(Text("a"));
  mailbox.Push(Text("b"));
  EXPECT_EQ(waker.wakes, 1);
  mailbox.WakeIfDue();
  EXPECT_EQ(waker.wakes, 1);
}

TEST(MailboxTest, NoWakeIsDueForWhatTheDriverHasTakenByItself) {
  Mailbox mailbox;
  CountingWaker waker;
  mailbox.Attach(&waker);
  mailbox.PushQuietly(Text("a"));
  EXPECT_EQ(*mailbox.Next(), "a");
  mailbox.WakeIfDue();
  EXPECT_EQ(waker.wakes, 0);
  mailbox.PushQuietly(Text("b"));
  mailbox.WakeIfDue();
  EXPECT_EQ(waker.wakes, 1);
}

TEST(MailboxTest, WakesOnceUntilItWasEmptied) {
  Mailbox mailbox;
  CountingWaker waker;
  mailbox.Attach(&waker);
  for (int i = 0; i < 10; ++i) mailbox.Push(Text("a"));
  EXPECT_EQ(waker.wakes, 1);
  while (mailbox.Next() != nullptr) {
  }
  EXPECT_EQ(waker.wakes, 1);
  mailbox.Push(Text("b"));
  EXPECT_EQ(waker.wakes, 2);
  mailbox.Attach(nullptr);
  mailbox.Next();
  mailbox.Push(Text("c"));
  EXPECT_EQ(waker.wakes, 2);
}

TEST(MailboxTest, IsCutOffAtItsBoundAndTellsTheDriver) {
  Mailbox mailbox;
  CountingWaker waker;
  mailbox.Attach(&waker);
  const Message message = Text(std::string(1000, 'x'));
  size_t taken = 0;
  while (mailbox.Push(message)) ++taken;
  EXPECT_EQ(taken, Mailbox::kMaxBytes / (1000 + Mailbox::kBytesPerMessage));
  EXPECT_TRUE(mailbox.is_cut_off());
  EXPECT_EQ(waker.wakes, 2);
  EXPECT_EQ(message.use_count(), 1) << "it holds messages that nobody will read";
  EXPECT_FALSE(mailbox.Push(message));
  EXPECT_EQ(mailbox.Next(), nullptr);
}

TEST(MailboxTest, LosesNothingBetweenThreads) {
  constexpr int kMessages = 20000;
  Mailbox mailbox;
  std::thread writer([&mailbox] {
    for (int i = 0; i < kMessages; ++i) EXPECT_TRUE(mailbox.Push(Text(std::to_string(i))));
  });
  for (int i = 0; i < kMessages;) {
    const Message message = mailbox.Next();
    if (message == nullptr) continue;
    ASSERT_EQ(*message, std::to_string(i++));
  }
  writer.join();
}

}  // namespace
}  // namespace polyserve
