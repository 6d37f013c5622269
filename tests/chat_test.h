// The fixtures of the cases about the chat room: members that join by TCP, and what members hear.
#ifndef POLYSERVE_TESTS_CHAT_TEST_H_
#define POLYSERVE_TESTS_CHAT_TEST_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/every_model.h"
#include "tests/peer.h"

namespace polyserve {

inline std::string Arrival(absl::string_view name) { return absl::StrCat("欢迎 '", name, "' 进入聊天室\n"); }
inline std::string Departure(absl::string_view name) { return absl::StrCat("'", name, "' 退出聊天室\n"); }
inline std::string Saying(absl::string_view name, absl::string_view text) {
  return absl::StrCat(name, " : ", text, "\n");
}

class ChatTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    ServeAlso("chat");
  }

  Peer Join(absl::string_view name) {
    Peer peer = Connect("chat");
    peer.Send(absl::StrCat("L ", name, "\n"));
    EXPECT_EQ(peer.ReadLine(), "OK\n") << name;
    return peer;
  }
};

// Where a client that stays keeps the others out, there is nobody to talk to.
class RoomTest : public ChatTest {
 protected:
  void SetUp() override {
    ChatTest::SetUp();
    if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: a member that stays may keep the others out";
  }
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_CHAT_TEST_H_
