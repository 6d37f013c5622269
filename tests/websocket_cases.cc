// The chat room by WebSocket, under every model: the same room as by TCP and UDP, and a close that a client
// understands.
#include <signal.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/websocket/test_client.h"
#include "tests/datagram_peer.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/websocket_peer.h"

namespace polyserve {

namespace {

// An http listener alone brings the room along.
class WebSocketTest : public EveryModelTest {
 protected:
  WebSocketPeer Join(absl::string_view name) {
    WebSocketPeer peer(Connect("http"));
    peer.Say(absl::StrCat("L ", name));
    EXPECT_EQ(peer.Hear(), "text: OK") << name;
    return peer;
  }
};

// The cases of several members. Skipped if a client that stays keeps the others out.
class WebSocketRoomTest : public WebSocketTest {
 protected:
  void SetUp() override {
    WebSocketTest::SetUp();
    if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: a member that stays may keep the others out";
  }
};

TEST_F(WebSocketTest, OneAfterTheOtherIsWelcome) {
  StartServer();
  for (int i = 0; i < 3; ++i) {
    WebSocketPeer ada(Connect("http"), WsText("L ada") + WsFrame(kWsPing | kWsLast, "?"));
    EXPECT_EQ(ada.Hear(), "text: OK");
    EXPECT_EQ(ada.Hear(), "pong: ?");
    ada.Say("E ada");
    EXPECT_EQ(ada.Hear(), "text: EXIT");
    EXPECT_EQ(ada.Hear(), "close 1000");
    ada.Send(WsClose(1000));
    EXPECT_EQ(ada.connection().ReadToEnd(), "");
    EXPECT_TRUE(ada.connection().was_closed());
  }
}

TEST_F(WebSocketTest, RequestsMayComeBeforeIt) {
  // More than the sockets hold, so that the request for the WebSocket arrives while the replies before it are under
  // way.
  root().Write("large.bin", std::string(3 << 20, 'x'));
  StartServer();
  Peer peer = Connect("http");
  std::thread sender([&] {
    for (int i = 0; i < 3; ++i) peer.Send("GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer.Send(absl::StrCat(WsRequest("localhost"), WsText("L ada"), WsText("E ada")));
  });
  const std::string all = peer.ReadToEnd();
  sender.join();
  const size_t end = all.find("HTTP/1.1 101 ");
  ASSERT_NE(end, std::string::npos);
  EXPECT_EQ(WsRead(all.substr(all.find("\r\n\r\n", end) + 4)), "text: OK\ntext: EXIT\nclose 1000\n");
}

TEST_F(WebSocketTest, FrameThatAnnouncesTooMuchIsClosedAtOnce) {
  StartServer();
  WebSocketPeer ada(Connect("http"));
  ada.Send(std::string("\x81\xff\x40\0\0\0\0\0\0\0", 10));  // 2^62 bytes, and not one of them comes.
  EXPECT_EQ(ada.Hear(), "close 1009: a message has at most 2048 bytes");
}

TEST_F(WebSocketTest, HalfAFrameAndNothingMoreIsLet) {
  StartServer({"--idle_timeout=500ms"});
  WebSocketPeer ada(Connect("http"));
  ada.Send(WsText("L ada").substr(0, 5));
  EXPECT_TRUE(ada.connection().AwaitClose());
}

TEST_F(WebSocketRoomTest, AllThreeTransportsShareTheRoom) {
  ServeAlso("chat");
  ServeAlso("chat+udp");
  StartServer();
  WebSocketPeer ada = Join("ada");
  Peer bob = Connect("chat");
  bob.Send("L ada\nL bob\n");
  EXPECT_EQ(bob.ReadLine(), "ERR 409 the name is taken\n");
  EXPECT_EQ(bob.ReadLine(), "OK\n");
  EXPECT_EQ(ada.Hear(), "text: 欢迎 'bob' 进入聊天室");
  DatagramPeer carl(server().address("chat+udp"));
  carl.Send("L 卡尔");
  EXPECT_EQ(carl.Receive(), "OK");
  EXPECT_EQ(ada.Hear(), "text: 欢迎 '卡尔' 进入聊天室");
  EXPECT_EQ(bob.ReadLine(), "欢迎 '卡尔' 进入聊天室\n");
  ada.Say("C ada 你好");
  EXPECT_EQ(bob.ReadLine(), "ada : 你好\n");
  EXPECT_EQ(carl.Receive(), "\nada : 你好");
  bob.Send("C bob hello\n");
  EXPECT_EQ(ada.Hear(), "text: bob : hello");
  WebSocketPeer dora = Join("dora");
  EXPECT_EQ(ada.Hear(), "text: 欢迎 'dora' 进入聊天室");
  ada.Send(WsClose(1000));
  EXPECT_EQ(ada.Hear(), "close 1000");
  EXPECT_EQ(dora.Hear(), "text: 'ada' 退出聊天室");
}

TEST_F(WebSocketRoomTest, MailThatIsThereAlreadyIsHeard) {
  ServeAlso("chat");
  StartServer();
  Peer bob = Connect("chat");
  bob.Send("L bob\n");
  EXPECT_EQ(bob.ReadLine(), "OK\n");
  for (int i = 0; i < 20; ++i) {
    const std::string name = absl::StrCat("m", i);
    WebSocketPeer peer(Connect("http"), WsText(absl::StrCat("L ", name)));
    EXPECT_EQ(bob.ReadLine(), absl::StrCat("欢迎 '", name, "' 进入聊天室\n"));
    bob.Send("C bob hello\n");
    EXPECT_EQ(peer.Hear(), "text: OK");
    EXPECT_EQ(peer.Hear(), "text: bob : hello");
    peer.connection().Reset();
    EXPECT_EQ(bob.ReadLine(), absl::StrCat("'", name, "' 退出聊天室\n"));
  }
}

TEST_F(WebSocketRoomTest, AllHearOfThoseWhoDieWithoutAWord) {
  StartServer();
  WebSocketPeer ada = Join("ada");
  {
    WebSocketPeer bob = Join("bob"), carl = Join("carl"), dora = Join("dora");
    for (absl::string_view name : {"bob", "carl", "dora"}) {
      EXPECT_EQ(ada.Hear(), absl::StrCat("text: 欢迎 '", name, "' 进入聊天室"));
    }
    bob.connection().Reset();
    EXPECT_EQ(ada.Hear(), "text: 'bob' 退出聊天室");
    carl.connection().HalfClose();
    EXPECT_EQ(ada.Hear(), "text: 'carl' 退出聊天室");
    dora.Send("this is no frame");
    EXPECT_EQ(ada.Hear(), "text: 'dora' 退出聊天室");
  }
}

TEST_F(WebSocketRoomTest, FloodReachesThoseWhoRead) {
  constexpr int kMessages = 5000;
  StartServer({"--chat_rate=0"});
  WebSocketPeer reader = Join("reader"), speaker = Join("speaker");
  EXPECT_EQ(reader.Hear(), "text: 欢迎 'speaker' 进入聊天室");
  std::string flood;
  for (int i = 0; i < kMessages; ++i) absl::StrAppend(&flood, WsText(absl::StrCat("C speaker ", i)));
  std::thread sender([&] { EXPECT_TRUE(speaker.Send(flood)); });
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(reader.Hear(), absl::StrCat("text: speaker : ", i));
  sender.join();
}

TEST_F(WebSocketRoomTest, WhoNeverReadsIsDroppedAndTheOthersNoticeNothing) {
  constexpr int kMostMessages = 64 * 1024;  // 64 MiB: more than the mailbox and the kernel's buffers hold.
  StartServer({"--chat_rate=0", "--socket_buffer=65536"});
  WebSocketPeer deaf = Join("deaf"), speaker = Join("speaker"), reader = Join("reader");
  EXPECT_EQ(speaker.Hear(), "text: 欢迎 'reader' 进入聊天室");
  const std::string text(1000, 'x');
  const std::string departure = "text: 'deaf' 退出聊天室";
  bool has_left = false;
  for (int i = 0; i < kMostMessages && !has_left; ++i) {
    ASSERT_TRUE(speaker.Say(absl::StrCat("C speaker ", text)));
    std::string heard = reader.Hear();
    has_left = heard == departure;
    if (has_left) heard = reader.Hear();
    ASSERT_EQ(heard, absl::StrCat("text: speaker : ", text));
  }
  EXPECT_TRUE(has_left);
  EXPECT_EQ(speaker.Hear(), departure);
  EXPECT_TRUE(deaf.connection().AwaitClose());
}

TEST_F(WebSocketRoomTest, SilentMemberIsToldThatItIsClosed) {
  StartServer({"--idle_timeout=500ms"});
  WebSocketPeer ada = Join("ada");
  EXPECT_EQ(ada.Hear(), "close 1001");
  EXPECT_EQ(ada.Hear(), "");
}

TEST_F(WebSocketRoomTest, StopIsToldToAll) {
  constexpr int kMembers = 20;
  StartServer({"--drain_timeout=inf"});
  std::vector<WebSocketPeer> members;
  for (int i = 0; i < kMembers; ++i) members.push_back(Join(absl::StrCat("m", i)));
  server().Signal(SIGTERM);
  ExpectCleanExit();
  for (WebSocketPeer& member : members) {
    std::string heard = member.Hear();
    while (absl::StartsWith(heard, "text: ")) heard = member.Hear();  // Members that joined, or left before.
    EXPECT_EQ(heard, "close 1001");
  }
}

TEST_F(WebSocketRoomTest, NothingStaysBehind) {
  StartServer();
  NoteFootprint();
  for (int i = 0; i < 10; ++i) {
    WebSocketPeer peer = Join(absl::StrCat("m", i));
    if (i % 2 == 0) peer.connection().Reset();
  }
  ExpectFootprint();
}

TEST_F(WebSocketRoomTest, KilledProcessesAreHeardOf) {
  if (can().shares_memory) GTEST_SKIP() << "the room is in the server's memory";
  if (can().pooled || !can().survives_crash) GTEST_SKIP() << "who serves whom cannot be told from outside";
  StartServer();
  AwaitQuiet();  // A fork server is a fresh image, which has no environment to be known by for a moment.
  const std::vector<pid_t> before = server().processes();
  WebSocketPeer ada = Join("ada");
  const std::vector<pid_t> after = server().processes();
  WebSocketPeer bob = Join("bob");
  EXPECT_EQ(ada.Hear(), "text: 欢迎 'bob' 进入聊天室");
  for (const pid_t pid : after) {
    if (std::find(before.begin(), before.end(), pid) == before.end()) ::kill(pid, SIGKILL);
  }
  EXPECT_EQ(bob.Hear(), "text: 'ada' 退出聊天室");
}

}  // namespace

}  // namespace polyserve
