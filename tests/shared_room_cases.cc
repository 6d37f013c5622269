// A room that two servers share through Redis (--room): the server under test, under every model, and another one. What
// no model has a part in is in room/redis/redis_link_test.cc.
#include <signal.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/chat_test.h"
#include "tests/datagram_peer.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/redis_process.h"
#include "tests/server_process.h"
#include "tests/websocket_peer.h"

namespace polyserve {

namespace {

class SharedRoomTest : public ChatTest {
 protected:
  void SetUp() override {
    ChatTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(RedisProcess::IsInstalled()) << "tools/setup --test installs redis-server";
    redis_ = std::make_unique<RedisProcess>();
  }
  void TearDown() override {
    ChatTest::TearDown();
    if (other_ == nullptr) return;
    other_->Signal(SIGTERM);
    EXPECT_EQ(other_->AwaitExit(), 0) << other_->log();
  }

  // Starts both servers. A lease ends only if a case waits for it, and a busy machine is no Redis that is out of reach.
  void StartSharing(absl::string_view expiry = "1h") {
    const std::vector<std::string> flags = {"--room=" + redis_->url(), absl::StrCat("--room_expiry=", expiry),
                                            "--room_timeout=1m"};
    std::vector<std::string> others = {"--model=epoll", "--listen=chat://127.0.0.1:0"};
    others.insert(others.end(), flags.begin(), flags.end());
    other_ = std::make_unique<ServerProcess>(ServerProcess::Options{.flags = std::move(others)});
    ASSERT_TRUE(other_->ready()) << other_->log();
    StartServer(flags);
  }
  // Joins by the other server.
  Peer JoinOther(absl::string_view name) {
    Peer peer(other_->address("chat"));
    peer.Send(absl::StrCat("L ", name, "\n"));
    EXPECT_EQ(peer.ReadLine(), "OK\n") << name;
    return peer;
  }
  // The next line, but for the arrivals of these, who have joined by the other server before: whether that of this
  // member had heard of them by the time that the member joined, is open.
  static std::string ReadPast(const std::vector<std::string>& earlier, Peer& peer) {
    std::string line = peer.ReadLine();
    for (const std::string& name : earlier) {
      if (line == Arrival(name)) line = peer.ReadLine();
    }
    return line;
  }
  RedisProcess& redis() { return *redis_; }

 private:
  std::unique_ptr<RedisProcess> redis_;
  std::unique_ptr<ServerProcess> other_;
};

// Also where a member that stays keeps the others out.
TEST_F(SharedRoomTest, OneMemberHearsThoseOfTheOtherServerButForTheTimeWithoutRedis) {
  StartSharing();
  Peer ada = Join("ada"), bob = JoinOther("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  bob.Send("C bob hello\n");
  EXPECT_EQ(ada.ReadLine(), Saying("bob", "hello"));
  redis().Kill();
  for (Peer* member : {&ada, &bob}) {
    const std::string line = ReadPast({"ada"}, *member);
    EXPECT_TRUE(absl::StrContains(line, "the other servers of this room cannot be reached")) << line;
  }
  ada.Send("C ada meanwhile\n");
  redis().Start();
  std::string heard;
  while (!absl::StrContains(heard, "can be reached again") || !absl::StrContains(heard, "meanwhile")) {
    const std::string line = bob.ReadLine();
    heard += line;
    if (line.empty()) break;
  }
  EXPECT_TRUE(absl::StrContains(heard, Saying("ada", "meanwhile"))) << heard;
}

TEST_F(SharedRoomTest, MembersOfBothServersAreInOneRoom) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: a member that stays may keep the others out";
  ServeAlso("chat+udp");
  StartSharing();
  Peer ada = Join("ada"), bob = JoinOther("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  WebSocketPeer carl(Connect("http"));
  carl.Say("L carl");
  EXPECT_EQ(carl.Hear(), "text: OK");
  EXPECT_EQ(ada.ReadLine(), Arrival("carl"));
  DatagramPeer dora(server().address("chat+udp"));
  dora.Send("L dora");
  EXPECT_EQ(dora.Receive(), "OK");
  EXPECT_EQ(ada.ReadLine(), Arrival("dora"));
  for (const char* const name : {"carl", "dora"}) EXPECT_EQ(ReadPast({"ada"}, bob), Arrival(name));
  bob.Send("C bob hello\nC bob /to carl psst\n");
  EXPECT_EQ(ada.ReadLine(), Saying("bob", "hello"));
  EXPECT_EQ(carl.Hear(), "text: 欢迎 'dora' 进入聊天室");
  EXPECT_EQ(carl.Hear(), "text: bob : hello");
  EXPECT_EQ(carl.Hear(), "text: bob -> carl : psst");
  EXPECT_EQ(dora.Receive(), "\nbob : hello");
  dora.Send("C dora hi");
  EXPECT_EQ(bob.ReadLine(), Saying("dora", "hi"));
  ada.Send("E ada\n");
  EXPECT_TRUE(absl::EndsWith(ada.ReadToEnd(), "EXIT\n"));
  EXPECT_EQ(bob.ReadLine(), Departure("ada"));
}

TEST_F(SharedRoomTest, NameOfTheOtherServersMemberIsTakenUntilItLeaves) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: a member that stays may keep the others out";
  ServeAlso("chat+udp");
  StartSharing();
  Peer bob = JoinOther("bob"), late = Connect("chat");
  late.Send("L Bob\n");
  EXPECT_EQ(late.ReadLine(), "ERR 409 the name is taken\n");
  DatagramPeer dora(server().address("chat+udp"));
  dora.Send("L bob");
  EXPECT_EQ(dora.Receive(), "the name is taken");
  bob.Send("E bob\n");
  EXPECT_TRUE(bob.AwaitClose());
  EXPECT_TRUE(Eventually([&late] {
    late.Send("L bob\n");
    return late.ReadLine() == "OK\n";
  }));
}

TEST_F(SharedRoomTest, MembersOfAKilledServerHaveLeftWhenItsLeaseEnds) {
  StartSharing("3s");
  Peer bob = JoinOther("bob"), ada = Join("ada");
  EXPECT_EQ(bob.ReadLine(), Arrival("ada"));
  server().Signal(SIGKILL);
  EXPECT_EQ(server().AwaitExit(), 128 + SIGKILL);
  EXPECT_EQ(bob.ReadLine(), Departure("ada"));
  Peer again = JoinOther("ada");
  EXPECT_EQ(bob.ReadLine(), Arrival("ada"));
}

// A stop is no crash: the members leave, and the names are free, before the server has ended.
TEST_F(SharedRoomTest, MembersOfAStoppedServerHaveLeftAtOnce) {
  StartSharing();
  Peer bob = JoinOther("bob"), ada = Join("ada");
  EXPECT_EQ(bob.ReadLine(), Arrival("ada"));
  server().Signal(SIGTERM);
  ExpectCleanExit();
  EXPECT_EQ(bob.ReadLine(), Departure("ada"));
  EXPECT_EQ(redis().Ask({"HKEYS", "polyserve:names"}), "bob\n");
  EXPECT_EQ(redis().Ask({"ZCARD", "polyserve:servers"}), "1\n");
}

TEST_F(SharedRoomTest, HubThatIsReplacedGivesTheNamesOfTheOneBeforeItBack) {
  if (can().shares_memory) GTEST_SKIP() << "the room is in the server's memory";
  StartSharing();
  Peer bob = JoinOther("bob"), ada = Join("ada");
  EXPECT_EQ(bob.ReadLine(), Arrival("ada"));
  for (const pid_t pid : server().processes()) {
    if (NameOf(pid) == "chat hub") {
      EXPECT_EQ(::kill(pid, SIGKILL), 0);
    }
  }
  EXPECT_EQ(ReadPast({"bob"}, ada), "ERR 503 the room was lost, and is made anew: join again\n");
  EXPECT_EQ(ada.ReadToEnd(), "");
  EXPECT_EQ(bob.ReadLine(), Departure("ada"));
  Peer again = Join("ada");
  EXPECT_EQ(bob.ReadLine(), Arrival("ada"));
}

TEST_F(SharedRoomTest, WithoutRedisItServesItsOwnMembersAndComesBack) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: a member that stays may keep the others out";
  StartSharing();
  Peer ada = Join("ada"), eva = Join("eva"), bob = JoinOther("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("eva"));
  for (Peer* member : {&ada, &eva}) EXPECT_EQ(member->ReadLine(), Arrival("bob"));
  redis().Kill();
  for (Peer* member : {&ada, &eva, &bob}) {
    const std::string line = ReadPast({"ada", "eva"}, *member);
    EXPECT_TRUE(absl::StrContains(line, "the other servers of this room cannot be reached")) << line;
  }
  ada.Send("C ada meanwhile\n");
  EXPECT_EQ(eva.ReadLine(), Saying("ada", "meanwhile"));
  Peer late = Join("late");
  EXPECT_TRUE(absl::StrContains(late.ReadLine(), "cannot be reached"));
  EXPECT_EQ(eva.ReadLine(), Arrival("late"));
  ExpectServesOthers();
  redis().Start();
  const std::string back = "the other servers of this room can be reached again\n";
  EXPECT_TRUE(absl::EndsWith(eva.ReadLine(), back));
  std::string at_bob;
  while (!absl::StrContains(at_bob, back) || !absl::StrContains(at_bob, Arrival("late"))) {
    const std::string line = bob.ReadLine();
    at_bob += line;
    if (line.empty()) break;
  }
  const size_t at = at_bob.find(Saying("ada", "meanwhile"));
  EXPECT_NE(at, std::string::npos) << at_bob;
  EXPECT_EQ(at, at_bob.rfind(Saying("ada", "meanwhile"))) << "once";
  bob.Send("C bob welcome back\n");
  EXPECT_EQ(eva.ReadLine(), Saying("bob", "welcome back"));
}

}  // namespace

}  // namespace polyserve
