// The chat room, under every model: who hears what, and that nobody who misbehaves takes it from the others.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/at_once.h"
#include "tests/datagram_peer.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"

namespace polyserve {

namespace {

std::string Arrival(absl::string_view name) { return absl::StrCat("欢迎 '", name, "' 进入聊天室\n"); }
std::string Departure(absl::string_view name) { return absl::StrCat("'", name, "' 退出聊天室\n"); }
std::string Saying(absl::string_view name, absl::string_view text) { return absl::StrCat(name, " : ", text, "\n"); }

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

TEST_F(ChatTest, OneAfterTheOtherIsWelcome) {
  StartServer();
  for (int i = 0; i < 3; ++i) {
    Peer peer = Join("ada");
    peer.Send("C ada is anybody here?\nC bob hello\nE ada\n");
    EXPECT_EQ(peer.ReadLine(), "ERR 403 the name is not yours: you are 'ada'\n");
    EXPECT_EQ(peer.ReadToEnd(), "EXIT\n");
    EXPECT_TRUE(peer.was_closed());
  }
}

TEST_F(RoomTest, WebPageCannotSpeakThroughItsVisitorsBrowser) {
  StartServer();
  Peer ada = Join("ada");
  Peer browser = Connect("chat");
  browser.Send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nL bob\nC bob hello\n");
  EXPECT_EQ(browser.ReadToEnd(), "ERR 400 this is no server of HTTP or TLS\n");
  EXPECT_TRUE(browser.was_closed());
  Peer carl = Join("carl");
  EXPECT_EQ(ada.ReadLine(), Arrival("carl")) << "and nothing before it";
}

TEST_F(RoomTest, AllHearWhoComesSpeaksAndGoes) {
  StartServer();
  Peer ada = Join("ada"), bob = Join("bob"), carl = Join("卡尔");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  EXPECT_EQ(ada.ReadLine(), Arrival("卡尔"));
  EXPECT_EQ(bob.ReadLine(), Arrival("卡尔"));
  carl.Send("C 卡尔 你好\n");
  EXPECT_EQ(ada.ReadLine(), Saying("卡尔", "你好"));
  EXPECT_EQ(bob.ReadLine(), Saying("卡尔", "你好"));
  bob.Send("E bob\n");
  EXPECT_EQ(bob.ReadToEnd(), "EXIT\n");
  EXPECT_EQ(ada.ReadLine(), Departure("bob"));
  EXPECT_EQ(carl.ReadLine(), Departure("bob"));
  Join("bob");
}

TEST_F(RoomTest, NameIsRefusedToAllButTheOneWhoHasIt) {
  StartServer();
  Peer ada = Join("ada"), other = Connect("chat");
  other.Send("L ada\nC ada I am ada\nE ada\nL 管理员\nL 管理員\nL Аda\nL \nL bob\n");
  EXPECT_EQ(other.ReadLine(), "ERR 409 somebody has this name\n");
  EXPECT_EQ(other.ReadLine(), "ERR 403 join first: L <name>\n");
  EXPECT_EQ(other.ReadLine(), "ERR 403 join first: L <name>\n");
  EXPECT_TRUE(absl::StartsWith(other.ReadLine(), "ERR 403 "));
  EXPECT_TRUE(absl::StartsWith(other.ReadLine(), "ERR 403 ")) << "the traditional form";
  EXPECT_EQ(other.ReadLine(), "ERR 409 somebody has this name\n") << "with a Cyrillic A";
  EXPECT_EQ(other.ReadLine(), "ERR 400 the name is empty\n");
  EXPECT_EQ(other.ReadLine(), "OK\n");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
}

TEST_F(RoomTest, AllHearOfThoseWhoDieWithoutAWord) {
  StartServer();
  Peer ada = Join("ada");
  {
    Peer bob = Join("bob"), carl = Join("carl"), dora = Join("dora");
    for (absl::string_view name : {"bob", "carl", "dora"}) EXPECT_EQ(ada.ReadLine(), Arrival(name));
    bob.Reset();
    EXPECT_EQ(ada.ReadLine(), Departure("bob"));
    carl.HalfClose();
    EXPECT_EQ(ada.ReadLine(), Departure("carl"));
  }
  EXPECT_EQ(ada.ReadLine(), Departure("dora"));
  Join("bob");
}

TEST_F(RoomTest, AllHearTheSameInTheSameOrder) {
  constexpr int kMembers = 12, kMessages = 50;
  StartServer();  // Well below what one may say.
  Peer witness = Join("witness");
  RunAtOnce(kMembers, [this](int i) {
    Peer peer = Join(absl::StrCat("m", i));
    for (int k = 0; k < kMessages; ++k) peer.Send(absl::StrCat("C m", i, " ", k, "\n"));
    peer.Send("X\n");
    std::string line;
    while (line != "ERR 400 expected: L <name>, C <name> <text>, or E <name>\n" && !peer.was_closed())
      line = peer.ReadLine();
  });
  std::vector<int> next(kMembers);
  for (int i = 0; i < kMembers * (kMessages + 2); ++i) {
    const std::string line = witness.ReadLine();
    int member = 0, number = 0;
    if (std::sscanf(line.c_str(), "m%d : %d\n", &member, &number) != 2) continue;
    ASSERT_EQ(number, next.at(static_cast<size_t>(member))++) << line;
  }
  for (const int said : next) EXPECT_EQ(said, kMessages);
}

TEST_F(RoomTest, FloodReachesThoseWhoRead) {
  constexpr int kMessages = 5000;
  StartServer({"--chat_rate=0"});
  Peer reader = Join("reader"), speaker = Join("speaker");
  EXPECT_EQ(reader.ReadLine(), Arrival("speaker"));
  std::string flood;
  for (int i = 0; i < kMessages; ++i) absl::StrAppend(&flood, "C speaker ", i, "\n");
  std::thread sender([&] { EXPECT_TRUE(speaker.Send(flood)); });
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(reader.ReadLine(), Saying("speaker", absl::StrCat(i)));
  sender.join();
}

TEST_F(RoomTest, WhoNeverReadsIsDroppedAndTheOthersNoticeNothing) {
  constexpr int kMostMessages = 64 * 1024;  // 64 MiB: more than the mailbox and the kernel's buffers hold.
  StartServer({"--chat_rate=0"});
  Peer deaf = Join("deaf"), speaker = Join("speaker"), reader = Join("reader");
  EXPECT_EQ(speaker.ReadLine(), Arrival("reader"));
  const std::string text(1000, 'x');
  bool has_left = false;
  for (int i = 0; i < kMostMessages && !has_left; ++i) {
    ASSERT_TRUE(speaker.Send(absl::StrCat("C speaker ", text, "\n")));
    std::string line = reader.ReadLine();
    has_left = line == Departure("deaf");
    if (has_left) line = reader.ReadLine();
    ASSERT_EQ(line, Saying("speaker", text));
  }
  EXPECT_TRUE(has_left);
  EXPECT_EQ(speaker.ReadLine(), Departure("deaf"));
  EXPECT_TRUE(deaf.AwaitClose());
  Join("deaf");
}

// Whoever floods is held back by its own system, loses nothing, and hears the others all the while.
TEST_F(RoomTest, SpeakerThatFloodsIsHeldBackToItsRate) {
  constexpr int kRate = 100, kMessages = 150;
  StartServer({absl::StrCat("--chat_rate=", kRate)});
  const absl::Time start = absl::Now();  // Before it can have saved anything.
  Peer speaker = Join("speaker"), reader = Join("reader");
  EXPECT_EQ(speaker.ReadLine(), Arrival("reader"));
  std::string flood;
  for (int i = 0; i < kMessages; ++i) absl::StrAppend(&flood, "C speaker ", i, "\n");
  EXPECT_TRUE(speaker.Send(flood));
  reader.Send("C reader hello\n");
  EXPECT_EQ(speaker.ReadLine(), Saying("reader", "hello"));
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(reader.ReadLine(), Saying("speaker", absl::StrCat(i)));
  // What may be saved in a second comes at once, the rest as time passes, however slow the machine is.
  EXPECT_GE(absl::Now() - start, absl::Seconds(1.0 * (kMessages - kRate) / kRate));
}

TEST_F(RoomTest, SleepersHoldTheRoomsBudgetAndNoMore) {
  constexpr int kSleepers = 2;  // A pool of four has no worker for more.
  StartServer({"--chat_rate=0", "--chat_memory=1048576", "--socket_buffer=4096"});
  Peer speaker = Join("speaker"), reader = Join("reader");
  EXPECT_EQ(speaker.ReadLine(), Arrival("reader"));
  std::vector<Peer> sleepers;
  for (int i = 0; i < kSleepers; ++i) {
    sleepers.push_back(Join(absl::StrCat("s", i)));
    EXPECT_EQ(reader.ReadLine(), Arrival(absl::StrCat("s", i)));
  }
  const std::string saying = absl::StrCat("C speaker ", std::string(1000, 'x'), "\n");
  bool has_left = false;
  for (int i = 0; i < 16 * 1024 && !has_left; ++i) {  // 16 MiB for each: more than the budget and the sockets hold.
    ASSERT_TRUE(speaker.Send(saying));
    const std::string line = reader.ReadLine();
    ASSERT_FALSE(line.empty());
    has_left = absl::StartsWith(line, "'s");
  }
  EXPECT_TRUE(has_left);
  reader.Send("C reader still here\n");
  for (std::string line; line != Saying("reader", "still here"); line = speaker.ReadLine()) {
    ASSERT_FALSE(speaker.was_closed());
  }
}

TEST_F(RoomTest, LineThatIsTooLongIsRefusedAndTheMemberStays) {
  StartServer();
  Peer ada = Join("ada"), bob = Join("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  bob.Send(absl::StrCat("C bob ", std::string(200000, 'x'), "\nC bob \xff\nC bob short\n"));
  EXPECT_TRUE(absl::StartsWith(bob.ReadLine(), "ERR 413 "));
  EXPECT_TRUE(absl::StartsWith(bob.ReadLine(), "ERR 400 "));
  EXPECT_EQ(ada.ReadLine(), Saying("bob", "short"));
}

TEST_F(RoomTest, OperatorIsHeardByAll) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  StartServer(ServerProcess::Options{.flags = {"--admin_name=根"}, .input = read_end.get()});
  Peer ada = Join("ada"), bob = Join("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  const absl::string_view lines = "tea is ready\n\xff\n你好\n";
  ASSERT_EQ(::write(write_end.get(), lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  for (Peer* peer : {&ada, &bob}) {
    EXPECT_EQ(peer->ReadLine(), Saying("根", "tea is ready"));
    EXPECT_EQ(peer->ReadLine(), Saying("根", "你好"));
  }
  write_end.reset();
  bob.Send("C bob after the end of the input\n");
  EXPECT_EQ(ada.ReadLine(), Saying("bob", "after the end of the input"));
}

TEST_F(RoomTest, StopFindsTheRoomFull) {
  constexpr int kMembers = 40;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]), write_end(ends[1]);  // The operator could still speak.
  StartServer(ServerProcess::Options{.flags = {"--drain_timeout=inf"}, .input = read_end.get()});
  std::vector<Peer> members;
  for (int i = 0; i < kMembers; ++i) members.push_back(Join(absl::StrCat("m", i)));
  server().Signal(SIGTERM);
  ExpectCleanExit();
  for (Peer& member : members) EXPECT_TRUE(member.AwaitClose());
}

TEST_F(RoomTest, NothingStaysBehind) {
  StartServer();
  NoteFootprint();
  for (int round = 0; round < 3; ++round) {
    RunAtOnce(8, [this, round](int i) {
      const std::string name = absl::StrCat("m", round, "-", i);  // Those of the last round may still be leaving.
      Peer peer = Join(name);
      peer.Send(absl::StrCat("C ", name, " hello\n"));
      if (i % 2 == 0) peer.Reset();
    });
  }
  ExpectFootprint();
}

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
  EXPECT_EQ(carl.Receive(), "somebody has this name");
  carl.Send("L bob");
  EXPECT_EQ(carl.Receive(), "somebody has this name");
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
  constexpr int kRounds = 100;
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
  if (!bounds_connections()) GTEST_SKIP() << "refused: --max_connections does not go with it";
  constexpr int kForged = 3;
  StartServer({absl::StrCat("--max_connections=", kForged + 1), "--overload=refuse"});
  DatagramPeer ada = NewPeer();
  ada.Send("L ada");
  EXPECT_EQ(ada.Receive(), "OK");
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
  StartServer({"--idle_timeout=1s"});
  Peer bob = Join("bob");
  DatagramPeer ada = NewPeer();
  ada.Send("L ada");
  EXPECT_EQ(ada.Receive(), "OK");
  EXPECT_EQ(bob.ReadLine(), Arrival("ada"));
  std::string line;
  do {  // Whoever speaks stays.
    bob.Send("anything\n");
    line = bob.ReadLine();
  } while (absl::StartsWith(line, "ERR 400 "));
  EXPECT_EQ(line, Departure("ada"));
}

// What follows is for models whose clients share no memory: their room is in a process of its own.
class HubTest : public RoomTest {
 protected:
  void SetUp() override {
    RoomTest::SetUp();
    if (can().shares_memory) GTEST_SKIP() << "the room is in the server's memory";
  }

  // Sends a signal to the hub, or to all but the server itself, the hub and its keeper.
  void Kill(bool hub, int signal = SIGKILL) {
    int killed = 0;
    for (const pid_t pid : server().processes()) {
      const bool is_hub = NameOf(pid) == "chat hub\n";
      if (pid == server().pid() || is_hub != hub || NameOf(pid) == "chat keeper\n") continue;
      killed += ::kill(pid, signal) == 0 ? 1 : 0;
    }
    EXPECT_GT(killed, 0);
  }

 private:
  static std::string NameOf(pid_t pid) {
    std::ifstream file(absl::StrCat("/proc/", pid, "/comm"));
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
};

TEST_F(HubTest, KilledHubIsReplacedAndItsMembersAreToldAndMayComeBack) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]), write_end(ends[1]);
  StartServer(ServerProcess::Options{.flags = {"--admin_name=根"}, .input = read_end.get()});
  Peer ada = Join("ada"), bob = Join("bob"), quiet = Connect("chat");
  quiet.Send("C quiet hello\n");
  EXPECT_EQ(quiet.ReadLine(), "ERR 403 join first: L <name>\n");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  Kill(true);
  for (Peer* member : {&ada, &bob}) {
    EXPECT_EQ(member->ReadToEnd(), "ERR 503 the room was lost, and is made anew: join again\n");
  }
  ExpectServesOthers();
  quiet.Send("L ada\n");  // Who had not joined has lost nothing, and the names of the old room are free.
  EXPECT_EQ(quiet.ReadLine(), "OK\n");
  Peer again = Join("bob");
  EXPECT_EQ(quiet.ReadLine(), Arrival("bob"));
  ASSERT_EQ(::write(write_end.get(), "tea\n", 4), 4);
  EXPECT_EQ(again.ReadLine(), Saying("根", "tea"));
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "another one is started"); }));
  EXPECT_TRUE(Eventually([this] { return server().CountZombies() == 0; }));
}

// A hub that does not run keeps nobody waiting but those who want to join.
TEST_F(HubTest, StoppedHubDelaysNoOtherService) {
  StartServer();
  Peer ada = Join("ada"), bob = Join("bob"), echo = Connect("echo");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  Kill(true, SIGSTOP);
  Peer late = Connect("chat");  // A pool of four has no worker for more.
  late.Send("L late\n");
  ada.SendUntilStuck(absl::StrCat("C ada ", std::string(1000, 'x'), "\n"), 1 << 20);
  bob.Send("E bob\n");
  const absl::Time start = absl::Now();
  EXPECT_TRUE(IsServed(echo));
  if (!can().pooled) ExpectServesOthers();
  EXPECT_LT(absl::Now() - start, kPatience / 3);
  EXPECT_EQ(late.ReadToEnd(), "ERR 503 the room does not answer; try again later\n");
  EXPECT_TRUE(absl::EndsWith(bob.ReadToEnd(), "EXIT\n"));
  Kill(true, SIGCONT);
  Peer carl = Join("late");
  EXPECT_TRUE(IsServed(echo));
}

TEST_F(HubTest, MembersOfKilledProcessesHaveLeft) {
  StartServer();
  Peer ada = Join("ada"), bob = Join("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  Kill(false);
  EXPECT_TRUE(ada.AwaitClose());
  EXPECT_TRUE(bob.AwaitClose());
  // The names are free as soon as the hub has seen it; whoever serves the next client is a new process.
  EXPECT_TRUE(Eventually([this] {
    Peer again = Connect("chat");
    again.Send("L ada\n");
    return again.ReadLine() == "OK\n";
  }));
}

TEST_F(HubTest, OneKilledProcessIsHeardOfByTheOthers) {
  if (can().pooled || !can().survives_crash) GTEST_SKIP() << "who serves whom cannot be told from outside";
  StartServer();
  const std::vector<pid_t> before = server().processes();
  Peer ada = Join("ada");
  const std::vector<pid_t> after = server().processes();
  Peer bob = Join("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  for (const pid_t pid : after) {
    if (std::find(before.begin(), before.end(), pid) == before.end()) ::kill(pid, SIGKILL);
  }
  EXPECT_EQ(bob.ReadLine(), Departure("ada"));
}

TEST_F(HubTest, KilledServerLeavesNobodyBehind) {
  StartServer();
  Peer ada = Join("ada"), bob = Join("bob");
  server().Signal(SIGKILL);
  server().AwaitExit();
  EXPECT_TRUE(Eventually([this] { return server().processes().empty(); }));
  EXPECT_TRUE(ada.AwaitClose() || ada.was_reset());
}

}  // namespace

}  // namespace polyserve
