// Conversation, while the server stops: which step follows which until the grace is over, and behind it.
#include "backends/connection/conversation.h"
#include "backends/connection/conversation_test_fixture.h"
#include "gtest/gtest.h"
#include "protocol/output.h"

namespace polyserve {
namespace {

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
  EXPECT_EQ(Send(), "[one][closing]");
  EXPECT_EQ(Next(), Step::kLinger);
}

// A ring may have received both before its driver takes the next step.
TEST_F(ConversationTest, EndIsNotShownBehindTheLastAnswer) {
  conversation_.OnStop(false);
  conversation_.OnBytes("one\n", output_, false);
  conversation_.OnEnd(output_);
  Next();
  EXPECT_EQ(Send(), "[one][closing]");
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
  EXPECT_EQ(Send(), "[two][closing]");
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
  EXPECT_EQ(Send(), "[resumed][closing]");
  EXPECT_EQ(Next(), Step::kLinger);
}

TEST_F(ConversationTest, AnswerToWhatOpensAConversationIsNotTheLast) {
  conversation_.OnStop(false);
  OnBytes("open\n");
  EXPECT_EQ(Send(), "[opening]");
  EXPECT_EQ(Next(), Step::kRead);
  conversation_.OnStop(true);
  EXPECT_EQ(Next(), Step::kReadLast);
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

}  // namespace
}  // namespace polyserve
