// The chat room, under every model: which members hear what, and that a member that misbehaves cannot take it from the
// others.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/at_once.h"
#include "tests/chat_test.h"
#include "tests/peer.h"

namespace polyserve {

namespace {

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

// Any page can have its visitor's browser send such a POST to almost any port, without asking the server first: that is
// all a form does. What follows the head is the page's own text.
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
  EXPECT_EQ(other.ReadLine(), "ERR 409 the name is taken\n");
  EXPECT_EQ(other.ReadLine(), "ERR 403 join first: L <name>\n");
  EXPECT_EQ(other.ReadLine(), "ERR 403 join first: L <name>\n");
  EXPECT_TRUE(absl::StartsWith(other.ReadLine(), "ERR 403 "));
  EXPECT_TRUE(absl::StartsWith(other.ReadLine(), "ERR 403 ")) << "the traditional form";
  EXPECT_EQ(other.ReadLine(), "ERR 409 the name is taken\n") << "with a Cyrillic A";
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
    // The error for this comes when all messages before it were taken, so the member does not leave while some are on
    // their way. Until then it reads what the others say, or its mailbox would overflow.
    peer.Send("X\n");
    std::string line;
    do {
      line = peer.ReadLine();
    } while (line != "ERR 400 expected: L <name>, C <name> <text>, or E <name>\n" && !line.empty());
    EXPECT_NE(line, "") << "m" << i << " was let down";
  });
  std::vector<int> next(kMembers);
  // Two more for each member: its arrival and its departure.
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
  // A thread of its own, because this send blocks as soon as the server reads no further: both must go on.
  std::thread sender([&] { EXPECT_TRUE(speaker.Send(flood)); });
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(reader.ReadLine(), Saying("speaker", absl::StrCat(i)));
  sender.join();
}

TEST_F(RoomTest, WhoNeverReadsIsDroppedAndTheOthersNoticeNothing) {
  constexpr int kMostMessages = 64 * 1024;  // 64 MiB: more than the mailbox and the kernel's buffers hold.
  StartServer({"--chat_rate=0", "--socket_buffer=65536"});
  Peer deaf = Join("deaf"), speaker = Join("speaker"), reader = Join("reader");
  EXPECT_EQ(speaker.ReadLine(), Arrival("reader"));
  const std::string text(1000, 'x');
  bool has_left = false;
  for (int i = 0; i < kMostMessages && !has_left; ++i) {
    // One message, then its arrival at the reader: so the reader never falls behind, and `deaf` is the only one that
    // does.
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

// TCP holds back a member that floods, because the server stops reading from it for a while. It loses nothing, and
// hears the others all the while.
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
  // A second's allowance may be used at once, the rest only as time passes, however slow the machine is.
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
  std::string line;
  while ((line = speaker.ReadLine()) != Saying("reader", "still here")) ASSERT_NE(line, "");
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

}  // namespace

}  // namespace polyserve
