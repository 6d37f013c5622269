// Very many clients, and what a server holds: processes, threads, descriptors, files. All of it comes back, nothing is
// leaked, and if there is not enough, the server outlives the shortage.
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/at_once.h"
#include "tests/call_gate.h"
#include "tests/datagram_peer.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/file_talk.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/scratch.h"

namespace polyserve {

namespace {

class CrowdTest : public EveryModelTest {
 protected:
  // One of four ways to come and go.
  void Visit(int way) {
    Peer peer = Connect(way == 0 ? "echo" : "file");
    switch (way) {
      case 0:
        EXPECT_TRUE(IsServed(peer));
        return;
      case 1:
        EXPECT_EQ(Ask(peer, "S none").code(), "ERR 404");
        return peer.Reset();
      case 2:
        peer.Send("P a 100000\nnot all of it");
        return peer.Reset();
      case 3:
        peer.Send("G large\n");
        EXPECT_EQ(peer.ReadLine(), "OK 10000000\n");
        return;
    }
  }

  // Kills all of the server's processes but these; returns how many.
  size_t KillAllBut(const std::vector<pid_t>& spared) {
    size_t killed = 0;
    for (const pid_t process : server().processes()) {
      if (std::find(spared.begin(), spared.end(), process) != spared.end()) continue;
      ::kill(process, SIGKILL);
      ++killed;
    }
    return killed;
  }
};

// Twenty at a time, in an order that mixes the four ways: what one of them leaves behind would show in the footprint.
TEST_F(CrowdTest, FiveHundredClientsLeaveNothingBehind) {
  constexpr int kClients = 20;
  constexpr int kVisits = 25;
  root().WriteZeroes("large", 10'000'000);
  StartServer();
  NoteFootprint();
  RunAtOnce(kClients, [this](int client) {
    for (int visit = 0; visit < kVisits; ++visit) Visit((client + visit) % 4);
  });
  ExpectFootprint();
  EXPECT_EQ(root().Names(), std::vector<std::string>{"large"});
}

TEST_F(CrowdTest, KilledChildTakesItsOwnClientAlongAndNoOther) {
  if (can().pooled) GTEST_SKIP() << "a client gets no child of its own; see pool_cases.cc";
  if (!can().survives_crash) GTEST_SKIP() << "by design: all clients are in one process";
  StartServer();
  NoteFootprint();
  Peer other = Connect("echo");
  EXPECT_TRUE(IsServed(other));
  const std::vector<pid_t> before = server().processes();
  Peer victim = Connect("echo");
  EXPECT_TRUE(IsServed(victim));
  EXPECT_GT(KillAllBut(before), 0u);
  EXPECT_TRUE(victim.AwaitClose());
  EXPECT_TRUE(IsServed(other));
  ExpectServesOthers();
  other.HalfClose();
  ExpectFootprint();
}

TEST_F(CrowdTest, ServerOutlivesTheEndOfEverythingItHasStarted) {
  if (!can().survives_crash) GTEST_SKIP() << "by design: all clients are in one process";
  StartServer();
  Peer victim = Connect("echo");
  EXPECT_TRUE(IsServed(victim));
  ExpectServesOthers();  // So the server is done with starting the victim's child.
  EXPECT_GT(KillAllBut({server().pid()}), 0u);
  EXPECT_TRUE(victim.AwaitClose());
  ExpectServesOthers();
  EXPECT_TRUE(Eventually([this] { return server().CountZombies() == 0; }));
}

// What has run out at times is processes and threads (RLIMIT_NPROC, a cgroup's pids.max).
class BirthTest : public CrowdTest {
 protected:
  // False: this system cannot have calls fail for a time.
  bool StartBehindGate() {
    StartServer({.flags = {}, .before_exec = [this] { gate_.Install(); }});
    if (!gate_.is_installed()) return false;
    ExpectServesOthers();
    AwaitQuiet();  // Pools start their workers one after the other.
    return true;
  }

  CallGate gate_{BirthCalls(), EAGAIN};
};

TEST_F(BirthTest, WithoutProcessesAndThreadsClientsAreServedOrTurnedAwayUntilThereAreSome) {
  constexpr int kClients = 3;
  if (!StartBehindGate()) GTEST_SKIP() << "seccomp_unotify(2) is not allowed here";
  std::optional<Peer> stays;
  if (can().keeps_clients_apart) stays.emplace(Connect("echo"));
  EXPECT_TRUE(!stays.has_value() || IsServed(*stays));
  gate_.Close();
  int turned_away = 0;
  for (int i = 0; i < kClients; ++i) {
    Peer peer = Connect("echo");
    const bool is_served = IsServed(peer);
    EXPECT_TRUE(is_served || peer.AwaitClose());
    turned_away += is_served ? 0 : 1;
  }
  EXPECT_TRUE(turned_away == 0 || turned_away == kClients) << turned_away;
  EXPECT_EQ(turned_away > 0, absl::StrContains(server().log(), "refused a connection: ")) << server().log();
  EXPECT_TRUE(turned_away == 0 || absl::StrContains(server().log(), "Resource temporarily unavailable"));
  EXPECT_TRUE(!stays.has_value() || IsServed(*stays));
  gate_.Open();
  ExpectServesOthers();
  DatagramPeer datagrams(server().address("echo+udp"));
  datagrams.Send("ping");
  EXPECT_EQ(datagrams.Receive(), "ping");
}

TEST_F(BirthTest, WhatEndsInAShortageOfProcessesIsReplacedBehindIt) {
  if (!can().survives_crash) GTEST_SKIP() << "by design: all clients are in one process";
  if (!StartBehindGate()) GTEST_SKIP() << "seccomp_unotify(2) is not allowed here";
  gate_.Close();
  EXPECT_GT(KillAllBut({server().pid()}), 0u);
  if (can().pooled) {
    EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "cannot start a worker"); }));
  }
  gate_.Open();
  ExpectServesOthers();
  EXPECT_TRUE(Eventually([this] { return server().CountZombies() == 0; }));
}

TEST_F(CrowdTest, WithoutDescriptorsSomeAreTurnedAwayAndNothingSpins) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: it needs a descriptor for one client alone";
  if (can().pooled) GTEST_SKIP() << "by design: whoever finds no worker waits, and takes no descriptor";
  if (kChecksPointers) GTEST_SKIP() << "the sanitizer itself needs descriptors (a pipe to look at an object's type)";
  constexpr int kClients = 48;
  constexpr rlim_t kMoreThanUsual = 16;
  constexpr size_t kEarly = 10;
  StartServer();
  NoteFootprint();
  const rlim_t most = usual_descriptors() + kMoreThanUsual;
  StartServer({.flags = {}, .before_exec = [most] {
                 const rlimit few = {most, most};
                 ::setrlimit(RLIMIT_NOFILE, &few);
               }});
  std::vector<Peer> peers;
  for (int i = 0; i < kClients; ++i) {
    peers.push_back(Connect("echo"));
    if (peers.size() > kEarly) continue;
    EXPECT_TRUE(IsServed(peers.back()));  // There is room, whichever process accepts it.
  }
  const absl::Duration before = server().ProcessorTime();
  absl::SleepFor(absl::Seconds(1));  // A window to measure in. A server that spins would need all of it.
  EXPECT_LT(server().ProcessorTime() - before, absl::Milliseconds(500));

  for (size_t i = 0; i < kEarly; ++i) EXPECT_TRUE(IsServed(peers[i]));
  int turned_away = 0;
  for (Peer& peer : peers) {
    const bool is_served = IsServed(peer);
    EXPECT_TRUE(is_served || peer.AwaitClose());
    turned_away += is_served ? 0 : 1;
  }
  EXPECT_EQ(turned_away > 0, absl::StrContains(server().log(), "Too many open files"));
  EXPECT_TRUE(turned_away > 0 || has_process_per_client());  // Several processes may have enough together.
  peers.clear();
  EXPECT_TRUE(Eventually([this] {  // It may see the new one before it sees that the others have left.
    Peer peer(server().address("echo"));
    return IsServed(peer);
  }));
}

// A limit that only a model of signals meets: events are then lost, but no client is.
TEST_F(CrowdTest, AllAreServedAlsoIfTheSystemQueuesNoSignals) {
  const int clients = can().keeps_clients_apart && !can().pooled ? 40 : 1;
  constexpr int kRounds = 5;
  StartServer({.flags = {}, .before_exec = [] {
                 const rlimit few = {1, 1};
                 ::setrlimit(RLIMIT_SIGPENDING, &few);
               }});
  std::vector<Peer> peers;
  for (int i = 0; i < clients; ++i) peers.push_back(Connect("echo"));
  for (Peer& peer : peers) EXPECT_TRUE(IsServed(peer));
  for (int round = 0; round < kRounds; ++round) {
    server().Signal(SIGSTOP);
    ASSERT_TRUE(Eventually([this] { return IsStopped(server().pid()); }));
    for (Peer& peer : peers) EXPECT_TRUE(peer.Send("ping"));
    server().Signal(SIGCONT);
    for (Peer& peer : peers) EXPECT_EQ(peer.Read(4), "ping");
  }
  peers.clear();
  ExpectServesOthers();
}

TEST_F(CrowdTest, MoreThanAThousandClientsAreServedUnlessTheModelHasABound) {
  if (has_process_per_client()) GTEST_SKIP() << "a thousand processes take long, and tell nothing new";
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: one client at a time";
  if (can().pooled) GTEST_SKIP() << "by design: as many clients at a time as there are workers";
  // Beyond the 1024 descriptors of select(2), and of the usual soft limit.
  constexpr rlim_t kClients = 1100;
  rlimit limit;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  if (limit.rlim_cur < kClients + 100) GTEST_SKIP() << "this system does not let us have so many descriptors";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  StartServer();
  std::vector<Peer> peers;
  for (rlim_t i = 0; i < kClients; ++i) peers.push_back(Connect("echo"));
  rlim_t served = 0;
  for (Peer& peer : peers) {
    const bool is_served = IsServed(peer);
    EXPECT_TRUE(is_served || peer.AwaitClose());
    served += is_served ? 1 : 0;
  }
  if (can().max_clients == 0) {
    EXPECT_EQ(served, kClients);
  } else {
    EXPECT_LT(served, static_cast<rlim_t>(can().max_clients));  // Some descriptors are the server's own.
    EXPECT_GT(served, static_cast<rlim_t>(can().max_clients) - 100);
    EXPECT_TRUE(absl::StrContains(server().log(), "refused a connection: its descriptor"));
  }
  EXPECT_TRUE(IsServed(peers.front()));
}

}  // namespace

}  // namespace polyserve
