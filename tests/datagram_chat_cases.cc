// The chat room by datagrams, in the dialect of the course: who is who, and what forged addresses gain.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/chat_test.h"
#include "tests/datagram_peer.h"
#include "tests/eventually.h"
#include "tests/peer.h"

namespace polyserve {

namespace {

// The course's dialect, by UDP, in the same room.
class DatagramChatTest : public ChatTest {
 protected:
  void SetUp() override {
    ChatTest::SetUp();
    ServeAlso("chat+udp");
  }

  DatagramPeer NewPeer() { return DatagramPeer(server().address("chat+udp")); }
};

TEST_F(DatagramChatTest, BothTransportsShareTheRoom) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: a member that stays may keep the others out";
  StartServer();
  DatagramPeer ada = NewPeer();
  ada.Send("L ada");
  EXPECT_EQ(ada.Receive(), "OK");
  Peer bob = Join("bob");
  EXPECT_EQ(ada.Receive(), "\n欢迎 'bob' 进入聊天室");
  DatagramPeer carl = NewPeer();
  carl.Send("L ada");
  EXPECT_EQ(carl.Receive(), "the name is taken");
  carl.Send("L bob");
  EXPECT_EQ(carl.Receive(), "the name is taken");
  carl.Send("L 卡尔");
  EXPECT_EQ(carl.Receive(), "OK");
  EXPECT_EQ(ada.Receive(), "\n欢迎 '卡尔' 进入聊天室");
  EXPECT_EQ(bob.ReadLine(), Arrival("卡尔"));
  ada.Send("C ada 你好");
  EXPECT_EQ(carl.Receive(), "\nada : 你好");
  EXPECT_EQ(bob.ReadLine(), Saying("ada", "你好"));
  bob.Send("C bob hello\n");
  EXPECT_EQ(carl.Receive(), "\nbob : hello");
  EXPECT_EQ(ada.Receive(), "\nbob : hello");
  carl.Send("E 卡尔");
  EXPECT_EQ(carl.Receive(), "EXIT");
  EXPECT_EQ(ada.Receive(), "\n'卡尔' 退出聊天室");
  EXPECT_EQ(bob.ReadLine(), Departure("卡尔"));
}

TEST_F(DatagramChatTest, NameBelongsToItsAddress) {
  StartServer();
  DatagramPeer ada = NewPeer(), eve = NewPeer();
  ada.Send("L ada");
  EXPECT_EQ(ada.Receive(), "OK");
  eve.Send("C ada I am ada");
  EXPECT_EQ(eve.Receive(), "\njoin first: L <name>");
  eve.Send("E ada");
  EXPECT_EQ(eve.Receive(), "\njoin first: L <name>");
  eve.Send("L eve");
  EXPECT_EQ(eve.Receive(), "OK");
  EXPECT_EQ(ada.Receive(), "\n欢迎 'eve' 进入聊天室");
  eve.Send("E ada");
  EXPECT_EQ(eve.Receive(), "\nyou are 'eve'");
}

TEST_F(DatagramChatTest, WhoLeavesAndJoinsAtOnceIsAnsweredEachTime) {
  constexpr int kRounds = 25;
  StartServer();
  DatagramPeer peer = NewPeer();
  for (int i = 0; i < kRounds; ++i) {
    peer.Send("L a");
    peer.Send("E a");
    peer.Send("L b");
    peer.Send("E b");
    for (absl::string_view answer : {"OK", "EXIT", "OK", "EXIT"}) ASSERT_EQ(peer.Receive(), answer) << "round " << i;
  }
  for (int i = 0; i < kRounds; ++i) {  // The end is met at another moment.
    peer.Send("L a");
    ASSERT_EQ(peer.Receive(), "OK") << "round " << i;
    peer.Send("E a");
    ASSERT_EQ(peer.Receive(), "EXIT") << "round " << i;
  }
}

TEST_F(DatagramChatTest, PeerThatHasOnlyJoinedIsNotFlooded) {
  StartServer();
  DatagramPeer silent = NewPeer(), ada = NewPeer();
  silent.Send("L silent");
  EXPECT_EQ(silent.Receive(), "OK");
  ada.Send("L ada");
  EXPECT_EQ(ada.Receive(), "OK");
  EXPECT_EQ(silent.Receive(), "\n欢迎 'ada' 进入聊天室");
  for (int i = 0; i < 50; ++i) ada.Send(absl::StrCat("C ada ", i, std::string(100, 'x')));
  size_t bytes = 0;
  std::string last;
  while (last != "\nsay something to hear more") {
    const std::optional<std::string> datagram = silent.Receive();
    ASSERT_TRUE(datagram.has_value());
    last = *datagram;
    bytes += last.size();
  }
  // ChatDatagramSession::kUnverifiedBytes: what a forged address can be made to receive.
  EXPECT_LE(bytes, 512u);
  silent.Send("C silent I am here");
  std::optional<std::string> heard = ada.Receive();
  EXPECT_EQ(heard, "\nsilent : I am here");
  ada.Send(absl::StrCat("C ada ", std::string(1000, 'y')));
  const std::string long_one = absl::StrCat("\nada : ", std::string(1000, 'y'));
  std::optional<std::string> next;
  do {  // Some of the others may have come late.
    next = silent.Receive();
    ASSERT_TRUE(next.has_value());
  } while (*next != long_one);
}

TEST_F(DatagramChatTest, WhoWasNeverVerifiedGivesWayToOthers) {
  if (!can().bounds_connections) GTEST_SKIP() << "refused: --max_connections does not go with it";
  constexpr int kForged = 3;
  StartServer({absl::StrCat("--max_connections=", kForged + 1), "--overload=refuse"});
  DatagramPeer ada = NewPeer();
  ada.Send("L ada");
  EXPECT_EQ(ada.Receive(), "OK");
  // A second command, after an answer to the first: so the address is her own, as she has read what was sent there.
  ada.Send("L ada");
  EXPECT_EQ(ada.Receive(), "OK");
  std::vector<std::unique_ptr<DatagramPeer>> forged;
  for (int i = 0; i < kForged; ++i) {
    forged.push_back(std::make_unique<DatagramPeer>(server().address("chat+udp")));
    forged.back()->Send(absl::StrCat("L forged", i));
    EXPECT_EQ(forged.back()->Receive(), "OK");
  }
  DatagramPeer bob = NewPeer();
  EXPECT_TRUE(Eventually([&bob] {
    bob.Send("L bob");
    return bob.Look() == "OK";
  }));
  ada.Send("E ada");
  std::string answer;
  while (answer != "EXIT") {
    const std::optional<std::string> datagram = ada.Receive();
    ASSERT_TRUE(datagram.has_value());
    answer = *datagram;
    EXPECT_EQ(answer.find("join first"), std::string::npos);
  }
}

TEST_F(DatagramChatTest, MembersThatStayKeepNobodyFromOtherServices) {
  constexpr int kMembers = 20;  // More than a pool has workers.
  StartServer();
  std::vector<std::unique_ptr<DatagramPeer>> members;
  for (int i = 0; i < kMembers; ++i) {
    members.push_back(std::make_unique<DatagramPeer>(server().address("chat+udp")));
    members.back()->Send(absl::StrCat("L m", i));
    EXPECT_EQ(members.back()->Receive(), "OK");
  }
  ExpectServesOthers();
  DatagramPeer other(server().address("echo+udp"));
  other.Send("ping");
  EXPECT_EQ(other.Receive(), "ping");
}

TEST_F(DatagramChatTest, WhoIsSilentForTooLongHasLeft) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: a member that stays may keep the others out";
  constexpr int kTries = 10;
  StartServer({"--idle_timeout=1s"});
  std::string line;
  for (int i = 0; line.empty(); ++i) {
    absl::Time spoke_at = absl::Now();
    Peer bob = Join(absl::StrCat("bob", i));
    DatagramPeer ada = NewPeer();
    const std::string name = absl::StrCat("ada", i);
    ada.Send(absl::StrCat("L ", name));
    EXPECT_EQ(ada.Receive(), "OK");
    absl::Duration silence;
    do {  // A member that speaks stays.
      const absl::Time now = absl::Now();
      bob.Send("anything\n");
      silence = absl::Now() - std::exchange(spoke_at, now);
      line = bob.ReadLine();
    } while (!line.empty() && line != Departure(name));
    if (!line.empty()) break;
    ASSERT_GE(silence, absl::Seconds(1)) << "who speaks was closed";  // Else a busy machine has kept bob from it.
    ASSERT_LT(i, kTries);
  }
}

}  // namespace

}  // namespace polyserve
