// exec: what the session passes to its program, and what it makes of the program's mail.
#include "protocol/exec.h"

#include <sys/uio.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/output.h"

namespace polyserve {

namespace {

// Takes what it has room for, and says what the test wants.
class FakeProgram : public Program {
 public:
  bool Start(absl::string_view address) override {
    peer.assign(address.data(), address.size());
    return starts;
  }
  size_t Send(absl::string_view bytes) override {
    const size_t count = std::min(room, bytes.size());
    received.append(bytes.data(), count);
    room -= count;
    if (count < bytes.size()) AwaitRoom();
    return count;
  }
  void EndInput() override { received += "[end]"; }

  void Say(absl::string_view text) { Push(std::make_shared<const std::string>(text)); }
  void EndOutput() { Push(std::make_shared<const std::string>()); }
  void End() {
    NoteEnd();
    EndOutput();
  }

  bool starts = true;
  size_t room = 1 << 20;
  std::string peer;
  std::string received;
};

class ExecSessionTest : public testing::Test {
 protected:
  std::string Show(absl::string_view bytes) {
    Input input(bytes);
    session_.OnInput(input, output_);
    return std::string(input.bytes());
  }

  // What the session has said since the last call, when it has been shown its mail.
  std::string Said() {
    while (session_.mailbox()->has_mail() && !output_.closing()) session_.OnMessage(program_->Next(), output_);
    std::string said;
    for (iovec piece; output_.FrontMemory(&piece, 1) == 1; output_.Sent(static_cast<int64_t>(piece.iov_len))) {
      said.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    }
    return said;
  }

  FakeProgram* const program_ = new FakeProgram();
  ExecSession session_{std::unique_ptr<Program>(program_)};
  Output output_;
};

TEST_F(ExecSessionTest, ProgramIsStartedForThePeerAndHasNoMailboxBefore) {
  EXPECT_EQ(session_.mailbox(), nullptr);
  EXPECT_TRUE(session_.idle());
  session_.OnPeer("192.0.2.7");
  EXPECT_EQ(program_->peer, "192.0.2.7");
  EXPECT_EQ(session_.mailbox(), program_);
  EXPECT_FALSE(session_.idle()) << "a stop waits for it";
}

TEST_F(ExecSessionTest, BytesArePassedOnBothWays) {
  session_.OnPeer("-");
  EXPECT_EQ(Show(std::string("a\0b\n", 4)), "");
  EXPECT_EQ(program_->received, std::string("a\0b\n", 4));
  program_->Say("one");
  program_->Say("two");
  EXPECT_EQ(Said(), "onetwo");
}

TEST_F(ExecSessionTest, WhatThereIsNoRoomForIsLeft) {
  session_.OnPeer("-");
  program_->room = 3;
  EXPECT_EQ(Show("abcdef"), "def");
  EXPECT_TRUE(program_->awaits_room());
  EXPECT_EQ(program_->received, "abc");
}

TEST_F(ExecSessionTest, EndOfInputIsPassedOnAndTheProgramGoesOn) {
  session_.OnPeer("-");
  Show("abc");
  session_.OnEndOfInput(output_);
  EXPECT_EQ(program_->received, "abc[end]");
  EXPECT_TRUE(session_.outlives_input());
  EXPECT_FALSE(output_.closing());
  program_->Say("cba");
  program_->End();
  EXPECT_EQ(Said(), "cba");
  EXPECT_TRUE(output_.closing());
}

TEST_F(ExecSessionTest, EndOfTheOutputAloneIsAHalfClose) {
  session_.OnPeer("-");
  program_->Say("last");
  program_->EndOutput();
  EXPECT_EQ(Said(), "last");
  EXPECT_TRUE(output_.TakeHalfClose());
  EXPECT_FALSE(output_.closing());
  Show("more");
  EXPECT_EQ(program_->received, "more");
  program_->End();
  Said();
  EXPECT_TRUE(output_.closing());
}

TEST_F(ExecSessionTest, AProgramThatEndsIsARequestAndOneThatCannotBeStartedAnError) {
  session_.OnPeer("-");
  program_->End();
  Said();
  EXPECT_EQ(output_.TakeCounts().errors, 0);

  auto* const failing = new FakeProgram();
  failing->starts = false;
  ExecSession session{std::unique_ptr<Program>(failing)};
  session.OnPeer("-");
  failing->End();
  Output output;
  session.OnMessage(failing->Next(), output);
  const Output::Counts counts = output.TakeCounts();
  EXPECT_EQ(counts.requests, 1);
  EXPECT_EQ(counts.errors, 1);
  EXPECT_TRUE(output.closing());
}

}  // namespace

}  // namespace polyserve
