// The chat room of models whose clients share no memory: its process may be killed or stopped, and so may its members.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/chat_test.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/proc.h"

namespace polyserve {

namespace {

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
      const bool is_hub = NameOf(pid) == "chat hub";
      if (pid == server().pid() || is_hub != hub || NameOf(pid) == "chat keeper") continue;
      killed += ::kill(pid, signal) == 0 ? 1 : 0;
    }
    EXPECT_GT(killed, 0);
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
  quiet.Send("L ada\n");  // It had not joined, and has lost nothing; the old room's names are free.
  EXPECT_EQ(quiet.ReadLine(), "OK\n");
  Peer again = Join("bob");
  EXPECT_EQ(quiet.ReadLine(), Arrival("bob"));
  ASSERT_EQ(::write(write_end.get(), "tea\n", 4), 4);
  EXPECT_EQ(again.ReadLine(), Saying("根", "tea"));
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "another hub is started"); }));
  EXPECT_TRUE(Eventually([this] { return server().CountZombies() == 0; }));
}

// A hub that does not run delays only clients that want to join.
TEST_F(HubTest, StoppedHubDelaysNoOtherService) {
  StartServer();
  Peer ada = Join("ada"), bob = Join("bob"), echo = Connect("echo");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  // Unlike one that is killed, a stopped hub closes nothing: no process learns that it does not run.
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
  // The names are free as soon as the hub has noticed; the next client is served by a new process.
  EXPECT_TRUE(Eventually([this] {
    Peer again = Connect("chat");
    again.Send("L ada\n");
    return again.ReadLine() == "OK\n";
  }));
}

TEST_F(HubTest, OneKilledProcessIsHeardOfByTheOthers) {
  if (can().pooled || !can().survives_crash) GTEST_SKIP() << "who serves whom cannot be told from outside";
  StartServer();
  AwaitQuiet();  // A fork server is a fresh image, which has no environment to be known by for a moment.
  const std::vector<pid_t> before = server().processes();
  Peer ada = Join("ada");
  // Joining has started ada's process, and nothing else: so it is what the two lists differ in.
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
