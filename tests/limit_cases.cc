// --max_connections: the bound holds exactly, whichever clients come at once and whichever processes are killed;
// clients beyond it wait or are refused, as --overload says, and cost nothing meanwhile.
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/at_once.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"

namespace polyserve {

namespace {

class LimitTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: a client may keep all others out";
    if (!can().bounds_connections) GTEST_SKIP() << "refused: --max_connections does not go with it";
  }

  void StartLimited(int most, absl::string_view overload) {
    StartServer({absl::StrCat("--max_connections=", most), absl::StrCat("--overload=", overload)});
  }

  bool AwaitReport(absl::string_view words) {
    return Eventually([this, words] {
      server().Signal(SIGUSR1);
      return absl::StrContains(server().log(), words);
    });
  }

  std::vector<Peer> Fill(int count) {
    std::vector<Peer> peers;
    for (int i = 0; i < count; ++i) {
      peers.push_back(Connect("echo"));
      EXPECT_TRUE(IsServed(peers.back()));
    }
    return peers;
  }

  // The largest number of active connections that the server has ever reported.
  int MostReported() {
    int most = 0;
    const std::string log = server().log();
    for (absl::string_view part : absl::StrSplit(log, ", ")) {
      int active = 0;
      if (absl::ConsumePrefix(&part, "active ") && absl::SimpleAtoi(part, &active)) most = std::max(most, active);
    }
    return most;
  }
};

TEST_F(LimitTest, WhoeverIsTooManyWaitsForOneToLeaveAndNothingSpins) {
  StartLimited(3, "wait");
  std::vector<Peer> peers = Fill(3);
  std::vector<Peer> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(Connect("echo"));
    waiting.back().Send("ping");
  }
  const absl::Duration before = server().ProcessorTime();
  absl::SleepFor(absl::Seconds(1));  // A window to measure in. A server that spins would need all of it.
  EXPECT_LT(server().ProcessorTime() - before, absl::Milliseconds(500));
  EXPECT_TRUE(AwaitReport("accepted 3, active 3, "));
  for (Peer& peer : peers) EXPECT_TRUE(IsServed(peer));
  // In any order: each client that leaves makes room for one.
  peers.clear();
  for (Peer& peer : waiting) EXPECT_EQ(peer.Read(4), "ping");
  waiting.clear();
  EXPECT_TRUE(AwaitReport("accepted 6, active 0, "));
}

TEST_F(LimitTest, WhoeverIsTooManyIsRefusedAndTheNextIsServedWhenOneHasLeft) {
  StartLimited(2, "refuse");
  std::vector<Peer> peers = Fill(2);
  for (int i = 0; i < 3; ++i) {
    Peer refused = Connect("echo");
    EXPECT_TRUE(refused.AwaitClose());
  }
  for (Peer& peer : peers) EXPECT_TRUE(IsServed(peer));
  EXPECT_TRUE(AwaitReport("accepted 2, active 2, refused 3"));
  EXPECT_TRUE(absl::StrContains(server().log(), "--max_connections=2"));
  peers.pop_back();
  EXPECT_TRUE(Eventually([this] {  // It may see the new one before it sees that the other has left.
    Peer peer(server().address("echo"));
    return IsServed(peer);
  }));
}

TEST_F(LimitTest, BoundIsNeverExceededAndEverybodyIsServedInTheEnd) {
  constexpr int kClients = 8;
  constexpr int kVisits = 20;
  StartLimited(2, "wait");
  RunAtOnce(kClients, [this](int client) {
    for (int visit = 0; visit < kVisits; ++visit) {
      ExpectServesOthers();
      // Each report is a sample of the number of connections, taken while clients come and go.
      if (client == 0) server().Signal(SIGUSR1);
    }
  });
  EXPECT_TRUE(AwaitReport(absl::StrCat("accepted ", kClients * kVisits, ", active 0, ")));
  EXPECT_LE(MostReported(), 2);
}

TEST_F(LimitTest, PlacesOfThoseWhoAreKilledComeBack) {
  if (can().shares_memory) GTEST_SKIP() << "by design: all clients are in one process";
  StartLimited(2, "wait");
  for (int round = 0; round < 3; ++round) {
    // In the second round and the third, this succeeds only if the places have come back.
    std::vector<Peer> peers = Fill(2);
    for (const pid_t process : server().processes()) {
      if (process != server().pid()) ::kill(process, SIGKILL);
    }
    for (Peer& peer : peers) EXPECT_TRUE(peer.AwaitClose());
  }
}

// In the midst of being accepted, served, counted or on the way out.
TEST_F(LimitTest, WhoeverIsKilledAtWhateverMomentCountsOnce) {
  if (can().shares_memory) GTEST_SKIP() << "by design: all clients are in one process";
  if (can().pooled && has_flag("--accept=pass")) GTEST_SKIP() << "but for a few instructions; see docs/models.md";
  if (kChecksPointers && can().starts_images) {
    GTEST_SKIP()
        << "an image that ends waits for the sanitizer's own process, which looks for leaks, and may be killed here";
  }
  constexpr int kClients = 4;
  // A sanitizer's processes take long to begin; and with a loop all of its clients are killed.
  const bool kills_many = has_flag("--worker_type=process") || has_flag("--serve=events");
  const int visits = kSanitized || kills_many ? 5 : 20;
  StartLimited(kClients, "wait");
  std::atomic<int> visitors = kClients;
  RunAtOnce(kClients + 1, [this, visits, &visitors](int client) {
    for (int visit = 0; client < kClients && visit < visits; ++visit) {
      Peer peer(server().address("echo"));
      IsServed(peer);
    }
    if (client < kClients) --visitors;
    while (client == kClients && visitors > 0) {
      // The last one in /proc is most likely the youngest, so that children die at every moment of their short lives.
      const std::vector<pid_t> processes = server().processes();
      if (processes.back() != server().pid()) ::kill(processes.back(), SIGKILL);
    }
  });
  EXPECT_TRUE(AwaitReport("active 0, "));
  const std::vector<Peer> peers = Fill(kClients);
  EXPECT_TRUE(AwaitReport(absl::StrCat("active ", kClients, ", ")));
}

}  // namespace

}  // namespace polyserve
