// The client of the room, against a server that does what the test says; its input and output are pipes.
#include "client/chat.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "client/connection.h"
#include "client/interrupt.h"
#include "client/scripted_peer.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

class ChatClientTest : public testing::Test {
 protected:
  // Runs the client to its end, with this input.
  absl::Status Run(const ScriptedPeer& peer, absl::string_view typed) {
    int in[2], out[2];
    EXPECT_EQ(::pipe2(in, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    const UniqueFd input(in[0]), output_read(out[0]);
    UniqueFd keyboard(in[1]), output(out[1]);
    EXPECT_EQ(::write(keyboard.get(), typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
    keyboard.reset();
    const absl::Status status = Chat({peer.endpoint(), options_, "bob", input.get(), output.get()});
    output.reset();
    char bytes[4096];
    for (ssize_t count; (count = ::read(output_read.get(), bytes, sizeof(bytes))) > 0;) {
      shown_.append(bytes, static_cast<size_t>(count));
    }
    return status;
  }

  ConnectionOptions options_;
  std::string shown_;
};

TEST_F(ChatClientTest, SaysWhatIsTypedAndShowsWhatIsSaid) {
  const ScriptedPeer peer([](Connection& server) {
    EXPECT_EQ(Hear(server), "L bob");
    Say(server, "OK\nada : hello\n");
    EXPECT_EQ(Hear(server), "C bob hi, all");
    EXPECT_EQ(Hear(server), "C bob 你好");
    Say(server, "ada : \x1b[2Jbye\n");
    EXPECT_EQ(Hear(server), "E bob");
    Say(server, "ada : one more\nEXIT\n");
  });
  EXPECT_TRUE(Run(peer, "hi, all\n\n你好\n##\nnot said\n").ok());
  EXPECT_EQ(shown_, "ada : hello\nada : \\x1b[2Jbye\nada : one more\n");
}

TEST_F(ChatClientTest, EndOfTheInputLeaves) {
  const ScriptedPeer peer([](Connection& server) {
    EXPECT_EQ(Hear(server), "L bob");
    Say(server, "OK\n");
    EXPECT_EQ(Hear(server), "C bob no line end");
    EXPECT_EQ(Hear(server), "E bob");
    Say(server, "EXIT\n");
  });
  EXPECT_TRUE(Run(peer, "no line end").ok());
  EXPECT_EQ(shown_, "");
}

TEST_F(ChatClientTest, RefusalIsTheServersWord) {
  const ScriptedPeer peer([](Connection& server) {
    EXPECT_EQ(Hear(server), "L bob");
    Say(server, "ERR 409 the name is taken\n");
  });
  const absl::Status status = Run(peer, "hi\n");
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_EQ(status.message(), "bob: 409 the name is taken");
}

TEST_F(ChatClientTest, LogsInBeforeItJoinsIfThereAreCredentials) {
  options_.credentials = {"ada", "two words"};
  const ScriptedPeer peer([](Connection& server) {
    EXPECT_EQ(Hear(server), "A ada two words");
    Say(server, "OK\n");
    EXPECT_EQ(Hear(server), "L bob");
    Say(server, "OK\n");
    EXPECT_EQ(Hear(server), "E bob");
    Say(server, "EXIT\n");
  });
  EXPECT_TRUE(Run(peer, "").ok());
  const ScriptedPeer strict([](Connection& server) {
    EXPECT_EQ(Hear(server), "A ada two words");
    Say(server, "ERR 401 the user or the password is wrong\n");
  });
  EXPECT_EQ(Run(strict, "").message(), "ada: 401 the user or the password is wrong");
}

TEST_F(ChatClientTest, LostRoomIsAnError) {
  const ScriptedPeer peer([](Connection& server) {
    EXPECT_EQ(Hear(server), "L bob");
    Say(server, "OK\nada : bye\n");
    Hear(server);
  });
  EXPECT_TRUE(absl::IsUnavailable(Run(peer, "hi\n")));
  EXPECT_EQ(shown_, "ada : bye\n");
}

TEST_F(ChatClientTest, WhatIsNoChatServerIsFound) {
  const ScriptedPeer peer([](Connection& server) { Say(server, "220 smtp\n"); });
  EXPECT_TRUE(absl::IsDataLoss(Run(peer, "")));
}

}  // namespace
}  // namespace polyserve

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return polyserve::Interrupt::Install().ok() ? RUN_ALL_TESTS() : 1;
}
