// The fixtures of the cases about the chat room: members that join by TCP, and what members hear.
//
//   Peer ada = Join("ada"), bob = Join("bob");
//   EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
#ifndef POLYSERVE_TESTS_CHAT_TEST_H_
#define POLYSERVE_TESTS_CHAT_TEST_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/chat_lines.h"
#include "tests/every_model.h"
#include "tests/peer.h"

namespace polyserve {

// Every case about the service itself, with one member at a time. SetUp() only adds the service; the case starts the
// server, with the flags that it needs.
class ChatTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    ServeAlso("chat");
  }

  // Connects to the running server, and joins under this name. When it returns, the server has entered the name: a
  // member that joins later is announced to this one. Expects that this works.
  Peer Join(absl::string_view name) {
    Peer peer = Connect("chat");
    peer.Send(absl::StrCat("L ", name, "\n"));
    EXPECT_EQ(peer.ReadLine(), "OK\n") << name;
    return peer;
  }
};

// The cases that need two members at once, both of which stay. Skipped if the model serves no second client while the
// first one stays.
class RoomTest : public ChatTest {
 protected:
  void SetUp() override {
    ChatTest::SetUp();
    if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: a member that stays may keep the others out";
  }
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_CHAT_TEST_H_
