// Pools of processes and threads: workers that end are replaced, none is lost to a lock, and the size follows the load.
// Also the nine designs of UNPv1, chapter 30, each by its command line.
#include <signal.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/at_once.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/server_process.h"
#include "tests/workers_test.h"

namespace polyserve {

namespace {

using PoolTest = WorkersTest;

const Flags kPreforkShared = {"--model=prefork", "--accept=shared"};
const Flags kPreforkMutex = {"--model=prefork", "--accept=lock", "--lock=mutex"};
const Flags kPreforkFile = {"--model=prefork", "--accept=lock", "--lock=file"};
const Flags kPreforkPass = {"--model=prefork", "--accept=pass"};
const Flags kPreforkReusePort = {"--model=prefork", "--accept=reuseport"};
const Flags kThreadsShared = {"--model=threadpool", "--accept=shared"};
const Flags kThreadsLock = {"--model=threadpool", "--accept=lock"};
const Flags kThreadsPass = {"--model=threadpool", "--accept=pass"};
const Flags kThreadsReusePort = {"--model=threadpool", "--accept=reuseport"};

using EveryPoolTest = PoolTest;
INSTANTIATE_TEST_SUITE_P(, EveryPoolTest,
                         testing::Values(kPreforkShared, kPreforkMutex, kPreforkFile, kPreforkPass, kPreforkReusePort,
                                         kThreadsShared, kThreadsLock, kThreadsPass, kThreadsReusePort),
                         NameOfFlags);

TEST_P(EveryPoolTest, HasItsWorkersBeforeTheClientsCome) {
  StartServer({"--workers=3"});
  EXPECT_TRUE(AwaitWorkers(3));
}

TEST_P(EveryPoolTest, WorkersThatHaveServedTheirShareAreReplacedAndNoClientIsLost) {
  constexpr int kClients = 4;
  constexpr int kVisits = 25;
  StartServer({"--workers=2", "--max_requests_per_worker=3"});
  ASSERT_TRUE(AwaitWorkers(2));
  // Each of them has to be replaced again and again: a hundred visits, three for each worker.
  const std::vector<pid_t> first = Workers();
  RunAtOnce(kClients, [this](int) {
    for (int visit = 0; visit < kVisits; ++visit) ExpectServes();
  });
  EXPECT_TRUE(AwaitWorkers(2));
  EXPECT_TRUE(has_threads() || Workers() != first);
}

// A pool whose only worker has just left when the stop comes.
TEST_P(EveryPoolTest, ClientsThatWaitWhenTheServerStopsAreServedThoughTheWorkersLeave) {
  constexpr int kClients = 8;
  StartServer({"--workers=1", "--max_requests_per_worker=1"});
  Peer first = Connect();
  EXPECT_TRUE(IsServed(first));
  std::vector<Peer> waiting;
  for (int i = 0; i < kClients; ++i) {
    waiting.push_back(Connect());
    waiting.back().Send("ping");
  }
  Stop();
  for (Peer& peer : waiting) EXPECT_EQ(peer.ReadToEnd(), "ping");
}

using FairPoolTest = PoolTest;
INSTANTIATE_TEST_SUITE_P(, FairPoolTest,
                         testing::Values(kPreforkShared, kPreforkMutex, kPreforkFile, kPreforkPass, kThreadsShared,
                                         kThreadsLock, kThreadsPass),
                         NameOfFlags);

TEST_P(FairPoolTest, ServesAsManyAtOnceAsItHasWorkersAndTheNextWhenOneLeaves) {
  StartServer({"--workers=3"});
  std::vector<Peer> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(Connect());
    EXPECT_TRUE(IsServed(peers.back()));
  }
  Peer next = Connect();
  next.Send("ping");
  for (Peer& peer : peers) EXPECT_TRUE(IsServed(peer));
  peers.erase(peers.begin() + 1);
  EXPECT_EQ(next.Read(4), "ping");
}

TEST_P(FairPoolTest, GrowsWhileAllAreBusyAndShrinksAfterwards) {
  StartServer({"--workers_min=1", "--workers_max=5", "--workers=1"});
  EXPECT_TRUE(AwaitWorkers(1));
  std::vector<Peer> peers;
  for (int i = 0; i < 5; ++i) {
    peers.push_back(Connect());
    EXPECT_TRUE(IsServed(peers.back()));
  }
  EXPECT_TRUE(AwaitWorkers(5));
  peers.clear();
  EXPECT_TRUE(AwaitWorkers(1));
  ExpectServes();
}

// The pool retires workers while the server is full and no client waits: they leave, and do not ask again and again.
TEST_P(FairPoolTest, PoolThatHasGrownBeyondTheBoundOfConnectionsShrinksAndIsQuiet) {
  StartServer({"--workers_min=1", "--workers_max=6", "--workers=4", "--max_connections=2"});
  ASSERT_TRUE(AwaitWorkers(4));
  std::vector<Peer> peers;
  for (int i = 0; i < 2; ++i) {
    peers.push_back(Connect());
    EXPECT_TRUE(IsServed(peers.back()));
  }
  EXPECT_TRUE(AwaitWorkers(3));  // Two serve, and one is there for the next.
  const absl::Duration before = server().ProcessorTime();
  // A window to measure in. Workers that spin would need all of it, and more.
  absl::SleepFor(absl::Milliseconds(300));
  EXPECT_LT(server().ProcessorTime() - before, absl::Milliseconds(150));
}

using PreforkTest = PoolTest;
INSTANTIATE_TEST_SUITE_P(, PreforkTest,
                         testing::Values(kPreforkShared, kPreforkMutex, kPreforkFile, kPreforkPass, kPreforkReusePort),
                         NameOfFlags);

TEST_P(PreforkTest, KilledWorkersAreReplacedAndTheirClientsCountAsEnded) {
  StartServer({"--workers=2"});
  Peer victim = Connect();
  EXPECT_TRUE(IsServed(victim));
  ASSERT_TRUE(AwaitWorkers(2));
  SignalWorkers(SIGKILL);
  EXPECT_TRUE(victim.AwaitClose());
  ExpectServes();
  EXPECT_TRUE(AwaitWorkers(2));
  EXPECT_EQ(server().CountZombies(), 0u);
  EXPECT_TRUE(absl::StrContains(server().log(), "its client is lost, no other is affected"));
  ExpectReports("accepted 2, active 0");
}

// One of the workers is always inside the lock. The others do not have to wait for its replacement.
TEST_P(PreforkTest, WorkerThatIsKilledInsideTheLockDoesNotKeepTheOthersOut) {
  if (GetParam() == kPreforkReusePort) GTEST_SKIP() << "by design: there is no lock; each queue waits for its worker";
  StartServer({"--workers=3"});
  ASSERT_TRUE(AwaitWorkers(3));
  for (const pid_t worker : Workers()) {
    ::kill(worker, SIGKILL);
    ExpectServes();
  }
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(AwaitWorkers(3));
    SignalWorkers(SIGKILL);
    ExpectServes();
  }
}

TEST_P(PreforkTest, ServesAgainAfterAShortageOfDescriptorsInItsWorkers) {
  if (kChecksPointers) GTEST_SKIP() << "the sanitizer itself needs descriptors (a pipe to look at an object's type)";
  StartServer({"--workers=1"});
  ExpectServes();
  ASSERT_TRUE(AwaitWorkers(1));
  const pid_t worker = Workers()[0];
  ExpectReports("accepted 1, active 0");  // It has done with the first one, and waits for the next.
  EXPECT_TRUE(Eventually([worker] { return IsAsleep(worker); }));
  LimitDescriptors(worker, 0);
  ::kill(worker, SIGSTOP);
  EXPECT_TRUE(Eventually([worker] { return IsStopped(worker); }));
  Peer peer = Connect();
  if (GetParam() == kPreforkPass) ExpectReports("accepted 2, ");  // It is on its way, and there is no room for more.
  ::kill(worker, SIGCONT);
  EXPECT_TRUE(Eventually([this] {
    return absl::StrContains(server().log(), "descriptor") || absl::StrContains(server().log(), "Too many open files");
  }));
  LimitDescriptors(worker, 1000);
  EXPECT_TRUE(IsServed(peer) || peer.AwaitClose());
  peer.HalfClose();  // So the only worker has time for others.
  ExpectServes();
}

TEST_P(PreforkTest, WorkerThatIsAskedToStopByOthersStays) {
  StartServer({"--workers=1"});
  ExpectServes();
  ASSERT_TRUE(AwaitWorkers(1));
  const std::vector<pid_t> before = Workers();
  ::kill(before[0], SIGTERM);
  ::kill(before[0], SIGINT);
  ExpectServes();
  EXPECT_EQ(Workers(), before);
}

// In the order of the book's own table.
using UnpTest = PoolTest;
INSTANTIATE_TEST_SUITE_P(, UnpTest,
                         testing::Values(Flags{"--model=loop"}, Flags{"--model=fork"}, kPreforkShared, kPreforkFile,
                                         kPreforkMutex, kPreforkPass, Flags{"--model=thread"}, kThreadsLock,
                                         kThreadsPass),
                         NameOfFlags);

TEST_P(UnpTest, EachOfTheNineDesignsStartsServesAndStops) {
  StartServer();
  for (int i = 0; i < 10; ++i) ExpectServes();
}

TEST(PoolFlagsTest, WhatMakesNoSenseIsRefused) {
  ExpectRefused({"--model=prefork", "--workers=0"}, "--workers=0 is not from 1 to 1024");
  ExpectRefused({"--model=threadpool", "--workers=1025"}, "from 1 to 1024");
  ExpectRefused({"--model=prefork", "--workers_min=0"}, "--workers_min=0");
  ExpectRefused({"--model=prefork", "--workers_min=5", "--workers_max=4"}, "is more than --workers_max=4");
  ExpectRefused({"--model=prefork", "--workers=5", "--workers_max=4"}, "is more than --workers_max=4");
  ExpectRefused({"--model=prefork", "--workers=5", "--workers_min=6"}, "is more than --workers=5");
  ExpectRefused({"--model=prefork", "--max_requests_per_worker=-1"}, "--max_requests_per_worker=-1");
  ExpectRefused({"--model=prefork", "--wake=none"}, "one, all");
  ExpectRefused({"--model=prefork", "--wake=all", "--accept=lock"}, "--accept=shared");
  ExpectRefused({"--model=epoll", "--wake=all"}, "--workers=N");
  ExpectRefused({"--model=fiber", "--wake=all"}, "--workers=N");
  ExpectRefused({"--model=poll", "--wake=one", "--workers=2"}, "--wake");
  ExpectRefused({"--model=prefork", "--accept=often"}, "shared, lock, pass, reuseport, bpf");
  ExpectRefused({"--model=threadpool", "--accept=bpf"}, "event loops and rings");
  ExpectRefused({"--model=prefork", "--accept=lock", "--lock=door"}, "mutex, file");
  ExpectRefused({"--model=prefork", "--lock=file"}, "--lock goes with --accept=lock");
  ExpectRefused({"--model=threadpool", "--accept=lock", "--lock=file"}, "--lock");
  ExpectRefused({"--model=prefork", "--accept=reuseport", "--workers_max=9"}, "fixed size");
  ExpectRefused({"--model=fork", "--workers=4"}, "--workers");
}

TEST(PoolFlagsTest, PortThatAnotherPoolHasIsRefusedThoughItsListenersShareIt) {
  ServerProcess first({.flags = {"--model=prefork", "--accept=reuseport", "--listen=echo://127.0.0.1:0"}});
  ASSERT_TRUE(first.ready());
  ExpectRefused({"--model=prefork", "--accept=reuseport", absl::StrCat("--listen=echo://", first.address("echo"))},
                first.address("echo"));
}

}  // namespace

}  // namespace polyserve
