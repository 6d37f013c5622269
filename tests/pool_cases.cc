// Pools of processes and threads: workers that end are replaced, none is lost to a lock, and the size follows the load.
// Also the nine designs of UNPv1, chapter 30, each by its command line.
#include <signal.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/at_once.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/server_process.h"

namespace polyserve {

namespace {

using Flags = std::vector<std::string>;

bool IsServed(Peer& peer) {
  peer.Send("ping");
  return peer.Read(4) == "ping";
}

// The flags as the name of a test: "prefork_lock_file".
std::string NameOf(const testing::TestParamInfo<Flags>& flags) {
  return absl::StrJoin(flags.param, "_", [](std::string* out, absl::string_view flag) {
    absl::StrAppend(out, flag.substr(flag.find('=') + 1));
  });
}

class PoolTest : public testing::TestWithParam<Flags> {
 protected:
  void StartServer(const Flags& more = {}) {
    Flags flags = GetParam();
    flags.insert(flags.end(), more.begin(), more.end());
    flags.push_back("--listen=echo://127.0.0.1:0");
    server_ = std::make_unique<ServerProcess>(ServerProcess::Options{.flags = flags});
    ASSERT_TRUE(server_->ready());
  }

  void TearDown() override {
    if (server_ == nullptr) return;
    if (!is_told_) Stop();
    EXPECT_EQ(server_->AwaitExit(), 0);
    EXPECT_TRUE(Eventually([this] { return server_->processes().empty(); }));
    EXPECT_FALSE(absl::StrContains(server_->log(), "Sanitizer"));
  }

  // Once: a second time would end it at once.
  void Stop() {
    is_told_ = true;
    server_->SignalAndAwaitDelivery(SIGTERM);
  }

  ServerProcess& server() { return *server_; }
  Peer Connect() { return Peer(server_->address("echo")); }
  void ExpectServes() {
    Peer peer = Connect();
    EXPECT_TRUE(IsServed(peer));
  }

  // Of processes.
  std::vector<pid_t> Workers() const {
    std::vector<pid_t> workers = server_->processes();
    std::erase(workers, server_->pid());
    return workers;
  }
  // Of either kind.
  size_t CountWorkers() const {
    if (!has_threads()) return Workers().size();
    std::error_code error;
    const std::filesystem::directory_iterator threads(absl::StrCat("/proc/", server_->pid(), "/task"), error);
    return static_cast<size_t>(std::distance(begin(threads), end(threads))) - kOtherThreads;
  }
  bool AwaitWorkers(size_t count) {
    return Eventually([this, count] { return CountWorkers() == count; });
  }
  void KillAllWorkers() {
    for (const pid_t worker : Workers()) ::kill(worker, SIGKILL);
  }

  static bool has_threads() { return GetParam()[0] == "--model=threadpool"; }

 private:
#if defined(__SANITIZE_THREAD__)
  static constexpr size_t kOtherThreads = 2;  // ThreadSanitizer has one of its own.
#else
  static constexpr size_t kOtherThreads = 1;
#endif

  std::unique_ptr<ServerProcess> server_;
  bool is_told_ = false;
};

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
                         NameOf);

TEST_P(EveryPoolTest, HasItsWorkersBeforeTheClientsCome) {
  StartServer({"--workers=3"});
  EXPECT_TRUE(AwaitWorkers(3));
}

TEST_P(EveryPoolTest, WorkersThatHaveServedTheirShareAreReplacedAndNoClientIsLost) {
  constexpr int kClients = 4;
  constexpr int kVisits = 25;
  StartServer({"--workers=2", "--max_requests_per_worker=3"});
  ASSERT_TRUE(AwaitWorkers(2));
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
                         NameOf);

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
  EXPECT_EQ(CountWorkers(), 5u);
  peers.clear();
  EXPECT_TRUE(AwaitWorkers(1));
  ExpectServes();
}

using PreforkTest = PoolTest;
INSTANTIATE_TEST_SUITE_P(, PreforkTest,
                         testing::Values(kPreforkShared, kPreforkMutex, kPreforkFile, kPreforkPass, kPreforkReusePort),
                         NameOf);

TEST_P(PreforkTest, KilledWorkersAreReplacedAndTheirClientsCountAsEnded) {
  StartServer({"--workers=2"});
  Peer victim = Connect();
  EXPECT_TRUE(IsServed(victim));
  ASSERT_TRUE(AwaitWorkers(2));
  KillAllWorkers();
  EXPECT_TRUE(victim.AwaitClose());
  ExpectServes();
  EXPECT_TRUE(AwaitWorkers(2));
  EXPECT_EQ(server().CountZombies(), 0u);
  EXPECT_TRUE(absl::StrContains(server().log(), "its client is lost, the others are not"));
  EXPECT_TRUE(Eventually([this] {
    server().Signal(SIGUSR1);
    return absl::StrContains(server().log(), "accepted 2, active 0");
  }));
}

// One of the workers is always inside of the lock. Those who are left do not wait for a replacement.
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
    KillAllWorkers();
    ExpectServes();
  }
}

TEST_P(PreforkTest, WorkerThatIsAskedToStopIsReplacedUnlessItsParentPassesItClients) {
  StartServer({"--workers=1"});
  ExpectServes();
  ASSERT_TRUE(AwaitWorkers(1));
  const std::vector<pid_t> before = Workers();
  ::kill(before[0], SIGTERM);
  ExpectServes();
  if (GetParam() == kPreforkPass) {
    EXPECT_EQ(Workers(), before);
  } else {
    EXPECT_TRUE(Eventually([this, &before] { return Workers().size() == 1 && Workers() != before; }));
  }
  ExpectServes();
}

using UnpTest = PoolTest;
INSTANTIATE_TEST_SUITE_P(, UnpTest,
                         testing::Values(Flags{"--model=loop"}, Flags{"--model=fork"}, kPreforkShared, kPreforkFile,
                                         kPreforkMutex, kPreforkPass, Flags{"--model=thread"}, kThreadsLock,
                                         kThreadsPass),
                         NameOf);

TEST_P(UnpTest, EachOfTheNineDesignsStartsServesAndStops) {
  StartServer();
  for (int i = 0; i < 10; ++i) ExpectServes();
}

// Expects one line that holds `hint`, and status 2.
void ExpectRefused(const Flags& flags, absl::string_view hint) {
  const ServerRun run = RunServer(flags);
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_EQ(run.output, "");
  EXPECT_EQ(run.log.find('\n') + 1, run.log.size()) << run.log;
  EXPECT_TRUE(absl::StrContains(run.log, hint)) << run.log << "does not say: " << hint;
}

TEST(PoolFlagsTest, WhatMakesNoSenseIsRefused) {
  ExpectRefused({"--model=prefork", "--workers=0"}, "--workers=0 is not from 1 to 1024");
  ExpectRefused({"--model=threadpool", "--workers=1025"}, "from 1 to 1024");
  ExpectRefused({"--model=prefork", "--workers_min=0"}, "--workers_min=0");
  ExpectRefused({"--model=prefork", "--workers_min=5", "--workers_max=4"}, "is more than --workers_max=4");
  ExpectRefused({"--model=prefork", "--workers=5", "--workers_max=4"}, "is more than --workers_max=4");
  ExpectRefused({"--model=prefork", "--workers=5", "--workers_min=6"}, "is more than --workers=5");
  ExpectRefused({"--model=prefork", "--max_requests_per_worker=-1"}, "--max_requests_per_worker=-1");
  ExpectRefused({"--model=prefork", "--accept=often"}, "shared, lock, pass, reuseport");
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
