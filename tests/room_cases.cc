// What a member may say to one other alone, who may put members out of the room, and what a member hears that joins
// late: by TCP, WebSocket and UDP, under every model.
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/chat_test.h"
#include "tests/datagram_peer.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/scratch.h"
#include "tests/websocket_peer.h"

namespace polyserve {

namespace {

// Of "token", at the lowest cost.
constexpr absl::string_view kTokenHash = "$2b$04$abcdefghijklmnopqrstuuXW5JZg9aMqUYNJxQVUKvcx/Agx.PPZe";

class ModerationTest : public RoomTest {
 protected:
  // With an operator, by the name of "root".
  void StartWithOperator(std::vector<std::string> flags = {}) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    input_.reset(ends[0]);
    keyboard_.reset(ends[1]);
    flags.emplace_back("--admin_name=root");
    StartServer(ServerProcess::Options{.flags = std::move(flags), .input = input_.get()});
  }
  void Type(absl::string_view line) {
    const std::string bytes = absl::StrCat(line, "\n");
    EXPECT_EQ(::write(keyboard_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  WebSocketPeer JoinByWebSocket(absl::string_view name) {
    WebSocketPeer peer(Connect("http"));
    peer.Say(absl::StrCat("L ", name));
    EXPECT_EQ(peer.Hear(), "text: OK") << name;
    return peer;
  }
  DatagramPeer JoinByDatagrams(absl::string_view name) {
    DatagramPeer peer(server().address("chat+udp"));
    peer.Send(absl::StrCat("L ", name));
    EXPECT_EQ(peer.Receive(), "OK") << name;
    return peer;
  }

 private:
  UniqueFd input_, keyboard_;
};

TEST_F(ModerationTest, PrivateWordsReachOneMemberAlone) {
  ServeAlso("chat+udp");
  StartServer();
  Peer ada = Join("ada");
  WebSocketPeer bob = JoinByWebSocket("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  DatagramPeer carl = JoinByDatagrams("卡尔");
  EXPECT_EQ(ada.ReadLine(), Arrival("卡尔"));
  EXPECT_EQ(bob.Hear(), "text: 欢迎 '卡尔' 进入聊天室");
  ada.Send("C ada /to bob psst\nC ada /to 卡尔 你好\n");
  EXPECT_EQ(bob.Hear(), "text: ada -> bob : psst");
  EXPECT_EQ(carl.Receive(), "\nada -> 卡尔 : 你好");
  bob.Say("C bob /to ada what?");
  EXPECT_EQ(ada.ReadLine(), "bob -> ada : what?\n");
  carl.Send("C 卡尔 for all");
  EXPECT_EQ(ada.ReadLine(), Saying("卡尔", "for all"));
  EXPECT_EQ(bob.Hear(), "text: 卡尔 : for all") << "and nothing before it";
}

TEST_F(ModerationTest, CommandThatFailsIsAnsweredAndNotSaid) {
  ServeAlso("chat+udp");
  StartServer();
  Peer ada = Join("ada"), bob = Join("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  bob.Send("C bob /to nobody psst\n");
  EXPECT_EQ(bob.ReadLine(), "ERR 404 nobody in the room has that name\n");
  bob.Send("C bob /too ada psst\nC bob /kick ada\nC bob end\n");
  EXPECT_EQ(bob.ReadLine(), "ERR 400 there is no command /too; to say it, put a blank in front of it\n");
  EXPECT_EQ(bob.ReadLine(), "ERR 403 that is for users with the right 'admin', and the operator\n");
  EXPECT_EQ(ada.ReadLine(), Saying("bob", "end")) << "and nothing before it";
  DatagramPeer carl = JoinByDatagrams("carl");
  carl.Send("C carl /to nobody psst");
  EXPECT_EQ(carl.Receive(), "\nnobody in the room has that name");
}

TEST_F(ModerationTest, OperatorPutsMembersOutAndTheyHearWhy) {
  ServeAlso("chat+udp");
  StartWithOperator();
  Peer ada = Join("ada"), bob = Join("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  WebSocketPeer carl = JoinByWebSocket("carl");
  EXPECT_EQ(ada.ReadLine(), Arrival("carl"));
  DatagramPeer dora = JoinByDatagrams("dora");
  EXPECT_EQ(ada.ReadLine(), Arrival("dora"));
  // What is on its way to a member that is put out may be lost, so it takes all of that before.
  for (absl::string_view name : {"carl", "dora"}) EXPECT_EQ(bob.ReadLine(), Arrival(name));
  EXPECT_EQ(carl.Hear(), "text: 欢迎 'dora' 进入聊天室");
  Type("/kick bob he floods");
  EXPECT_EQ(bob.ReadToEnd(), "ERR 410 kicked by root: he floods\n");
  EXPECT_EQ(ada.ReadLine(), Departure("bob"));
  EXPECT_EQ(carl.Hear(), "text: 'bob' 退出聊天室");
  EXPECT_EQ(dora.Receive(), "\n'bob' 退出聊天室");
  Type("/kick carl");
  EXPECT_EQ(ada.ReadLine(), Departure("carl"));
  EXPECT_EQ(carl.Hear(), "text: ERR 410 kicked by root");
  EXPECT_EQ(carl.Hear(), "close 1001");
  EXPECT_TRUE(carl.connection().AwaitClose());
  EXPECT_EQ(dora.Receive(), "\n'carl' 退出聊天室");
  Type("/kick dora");
  EXPECT_EQ(dora.Receive(), "\nkicked by root");
  EXPECT_EQ(ada.ReadLine(), Departure("dora"));
  Join("bob");
  EXPECT_TRUE(Eventually([this] {
    return absl::StrContains(server().log(), "'bob' (127.0.0.1) was kicked by root: he floods");
  })) << server().log();
}

TEST_F(ModerationTest, BannedNamesAndAddressesStayOutForTheirTime) {
  ServeAlso("chat+udp");
  StartWithOperator();
  Peer ada = Join("ada"), bob = Join("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  Type("/ban bob 5 spam");
  EXPECT_EQ(bob.ReadToEnd(), "ERR 410 banned by root for 5 minutes: spam\n");
  EXPECT_EQ(ada.ReadLine(), Departure("bob"));
  Peer again = Connect("chat");
  again.Send("L Bob\n");
  EXPECT_EQ(again.ReadLine(), "ERR 403 banned from the room for 5 more minutes\n");
  again.Send("L ben\n");
  EXPECT_EQ(again.ReadLine(), "OK\n") << "the connection goes on, and the address is not banned";
  Type("/ban 127.0.0.1");
  EXPECT_TRUE(absl::EndsWith(again.ReadToEnd(), "ERR 410 banned by root for 60 minutes\n")) << "ada leaves before";
  EXPECT_TRUE(ada.AwaitClose());
  DatagramPeer carl(server().address("chat+udp"));
  carl.Send("L carl");
  EXPECT_EQ(carl.Receive(), "banned from the room for 60 more minutes");
  WebSocketPeer dora(Connect("http"));
  dora.Say("L dora");
  EXPECT_EQ(dora.Hear(), "text: ERR 403 banned from the room for 60 more minutes");
  Type("/unban 127.0.0.1");
  EXPECT_TRUE(Eventually([&carl] {
    carl.Send("L carl");
    return carl.Receive() == "OK";
  }));
}

TEST_F(ModerationTest, UserWithTheRightModeratesByTcpAndWebSocket) {
  Scratch users;
  users.Write("users", absl::StrCat("*::chat\neve:", kTokenHash, ":admin\n"));
  StartServer({absl::StrCat("--auth_file=", users.PathOf("users"))});
  Peer ada = Join("ada"), bob = Join("bob"), eve = Connect("chat");
  eve.Send("A eve token\nL eve\n");
  EXPECT_EQ(eve.ReadLine(), "OK\n");
  EXPECT_EQ(eve.ReadLine(), "OK\n");
  for (absl::string_view name : {"bob", "eve"}) EXPECT_EQ(ada.ReadLine(), Arrival(name));
  EXPECT_EQ(bob.ReadLine(), Arrival("eve"));
  bob.Send("C bob /kick ada\n");
  EXPECT_EQ(bob.ReadLine(), "ERR 403 that is for users with the right 'admin', and the operator\n");
  eve.Send("C eve /kick ada\n");
  EXPECT_EQ(ada.ReadToEnd(), "ERR 410 kicked by eve\n");
  EXPECT_EQ(eve.ReadLine(), Departure("ada"));
  EXPECT_EQ(eve.ReadLine(), "'ada' (127.0.0.1) was kicked by eve\n");
  WebSocketPeer chief(Connect("http"), "",
                      absl::StrCat("Authorization: Basic ", absl::Base64Escape("eve:token"), "\r\n"));
  chief.Say("L chief");
  EXPECT_EQ(chief.Hear(), "text: OK");
  chief.Say("C chief /ban bob 2");
  EXPECT_EQ(chief.Hear(), "text: 'bob' 退出聊天室");
  EXPECT_EQ(chief.Hear(), "text: 'bob' is banned for 2 minutes");
  EXPECT_EQ(chief.Hear(), "text: 'bob' (127.0.0.1) was banned by chief for 2 minutes");
  eve.Send("C eve /bans\nC eve /unban bob\nC eve /bans\n");
  EXPECT_EQ(eve.ReadLine(), Arrival("chief"));
  EXPECT_EQ(eve.ReadLine(), Departure("bob"));
  EXPECT_EQ(eve.ReadLine(), "'bob' for 2 more minutes\n");
  EXPECT_EQ(eve.ReadLine(), "'bob' is not banned any more\n");
  EXPECT_EQ(eve.ReadLine(), "there are no bans\n");
}

// One after the other, so under every model.
TEST_F(ChatTest, WhoJoinsHearsTheLastTexts) {
  StartServer({"--room_history=2"});
  Peer ada = Join("ada");
  ada.Send("C ada one\nC ada two\nC ada three\nE ada\n");
  EXPECT_EQ(ada.ReadToEnd(), "EXIT\n");
  Peer bob = Join("bob");
  EXPECT_EQ(bob.ReadLine(), Saying("ada", "two"));
  EXPECT_EQ(bob.ReadLine(), Saying("ada", "three"));
  bob.Send("E bob\n");
  EXPECT_EQ(bob.ReadToEnd(), "EXIT\n");
}

TEST_F(ModerationTest, HistoryIsHeardByWebSocketAndDatagrams) {
  ServeAlso("chat+udp");
  StartWithOperator({"--room_history=100"});
  Peer ada = Join("ada");
  Type("welcome");
  EXPECT_EQ(ada.ReadLine(), Saying("root", "welcome"));
  WebSocketPeer bob = JoinByWebSocket("bob");
  EXPECT_EQ(bob.Hear(), "text: root : welcome");
  DatagramPeer carl = JoinByDatagrams("carl");
  EXPECT_EQ(carl.Receive(), "\nroot : welcome");
}

}  // namespace

}  // namespace polyserve
