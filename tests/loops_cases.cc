// Several event loops or rings, or several processes of threads: every one of them gets clients, whatever the policy;
// one that is killed is replaced, and costs its own clients alone.
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/datagram_peer.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/scratch.h"
#include "tests/server_process.h"
#include "tests/tftp_peer.h"
#include "tests/workers_test.h"

namespace polyserve {

namespace {

std::vector<Flags> Combine(const std::vector<std::string>& models, const std::vector<std::string>& policies,
                           const std::vector<std::string>& types) {
  std::vector<Flags> all;
  for (const std::string& model : models) {
    for (const std::string& policy : policies) {
      for (const std::string& type : types) {
        all.push_back(
            {absl::StrCat("--model=", model), absl::StrCat("--accept=", policy), absl::StrCat("--worker_type=", type)});
      }
    }
  }
  return all;
}

const std::vector<std::string> kModels = {"select",   "poll",      "sigio", "epoll",
                                          "libevent", "coroutine", "fiber", "uring"};
const std::vector<std::string> kPolicies = {"shared", "pass", "reuseport"};

class LoopsTest : public WorkersTest {
 protected:
  void SetUp() override {
    if (GetParam()[0] == "--model=uring" &&
        RunServer({"--model=uring", "--listen=echo://127.0.0.1:0", "--root=/none/such"}).log.find("io_uring") !=
            std::string::npos) {
      GTEST_SKIP() << "not on this system";
    }
  }

  // The workers that wake up while each of these clients is served once. A loop that has none of them sleeps on.
  std::vector<pid_t> WorkersOf(std::vector<Peer>& peers) {
    for (Peer& peer : peers) EXPECT_TRUE(IsServed(peer));  // Until then a loop may be awake in vain.
    std::map<pid_t, int64_t> before;
    for (const pid_t worker : Workers()) before[worker] = CountSleeps(worker);
    for (Peer& peer : peers) EXPECT_TRUE(IsServed(peer));
    std::vector<pid_t> awake;
    for (const auto& [worker, sleeps] : before) {
      if (CountSleeps(worker) > sleeps) awake.push_back(worker);
    }
    return awake;
  }
};

INSTANTIATE_TEST_SUITE_P(, LoopsTest, testing::ValuesIn(Combine(kModels, kPolicies, {"thread", "process"})),
                         NameOfFlags);

TEST_P(LoopsTest, EveryLoopGetsClientsAndAllCountTogether) {
  constexpr size_t kLoops = 3;
  constexpr size_t kFirst = 8;
  StartServer({absl::StrCat("--workers=", kLoops)});
  ASSERT_TRUE(AwaitWorkers(kLoops));
  std::vector<Peer> peers;
  for (size_t i = 0; i < kFirst; ++i) peers.push_back(Connect());
  EXPECT_TRUE(Eventually([this, &peers] {
    if (WorkersOf(peers).size() == kLoops) return true;
    peers.push_back(Connect());  // With luck for another one.
    return false;
  }));
  ExpectReports(absl::StrCat("accepted ", peers.size(), ", active ", peers.size(), ", "));
  const size_t count = peers.size();
  peers.clear();
  ExpectReports(absl::StrCat("accepted ", count, ", active 0, "));
}

class ProcessLoopsTest : public LoopsTest {
 protected:
  // Clients that have sent "ping", and wait for loops that are stopped.
  std::vector<Peer> ConnectToStopped() {
    constexpr int kClients = 8;
    SignalWorkers(SIGSTOP);
    for (const pid_t worker : Workers()) EXPECT_TRUE(Eventually([worker] { return IsStopped(worker); }));
    std::vector<Peer> peers;
    for (int i = 0; i < kClients; ++i) {
      peers.push_back(Connect());
      peers.back().Send("ping");
    }
    return peers;
  }
};
INSTANTIATE_TEST_SUITE_P(, ProcessLoopsTest,
                         testing::ValuesIn(Combine({"poll", "epoll", "uring"}, kPolicies, {"process"})), NameOfFlags);
INSTANTIATE_TEST_SUITE_P(OfThreads, ProcessLoopsTest,
                         testing::Values(Flags{"--model=hybrid", "--serve=threads", "--accept=shared"},
                                         Flags{"--model=hybrid", "--serve=threads", "--accept=lock"},
                                         Flags{"--model=hybrid", "--serve=threads", "--accept=pass"},
                                         Flags{"--model=hybrid", "--serve=threads", "--accept=reuseport"},
                                         Flags{"--model=hybrid", "--serve=events", "--accept=shared"},
                                         Flags{"--model=hybrid", "--serve=events", "--accept=pass"}),
                         NameOfFlags);

TEST_P(ProcessLoopsTest, KilledOnesAreReplacedAndTheirClientsCountAsEnded) {
  constexpr size_t kClients = 8;
  StartServer({"--workers=2"});
  std::vector<Peer> victims;
  for (size_t i = 0; i < kClients; ++i) {
    victims.push_back(Connect());
    EXPECT_TRUE(IsServed(victims.back()));
  }
  ASSERT_TRUE(AwaitWorkers(2));
  const std::vector<pid_t> killed = Workers();
  SignalWorkers(SIGKILL);
  for (Peer& victim : victims) EXPECT_TRUE(victim.AwaitClose());
  // Until its end, a killed one may have the kernel accept one more client for it (uring).
  EXPECT_TRUE(Eventually([&] {
    const std::vector<pid_t> workers = Workers();
    return workers.size() == 2 &&
           std::find_first_of(workers.begin(), workers.end(), killed.begin(), killed.end()) == workers.end();
  }));
  ExpectServes();
  EXPECT_EQ(server().CountZombies(), 0u);
  EXPECT_TRUE(absl::StrContains(server().log(), "lost, no other is affected"));
  ExpectReports(absl::StrCat("accepted ", kClients + 1, ", active 0"));
}

// It is chance which loop has which clients, so the test tries until both have some.
TEST_P(ProcessLoopsTest, KilledOneCostsItsOwnClientsAlone) {
  constexpr size_t kClients = 16;
  StartServer({"--workers=2"});
  EXPECT_TRUE(Eventually([this] {
    EXPECT_TRUE(AwaitWorkers(2));
    std::vector<Peer> peers;
    for (size_t i = 0; i < kClients; ++i) {
      peers.push_back(Connect());
      EXPECT_TRUE(IsServed(peers.back()));
    }
    const pid_t victim = Workers()[0];
    ::kill(victim, SIGKILL);
    EXPECT_TRUE(Eventually([victim] { return CountDescriptors(victim) == 0; }));
    size_t served = 0;
    for (Peer& peer : peers) served += IsServed(peer) ? 1 : 0;
    return served > 0 && served < kClients;
  }));
}

// A terminal's Ctrl-C reaches all processes, but only the server decides when they stop.
TEST_P(ProcessLoopsTest, OneThatIsAskedToStopByOthersStays) {
  StartServer({"--workers=2"});
  ASSERT_TRUE(AwaitWorkers(2));
  const std::vector<pid_t> before = Workers();
  Peer peer = Connect();
  EXPECT_TRUE(IsServed(peer));
  SignalWorkers(SIGTERM);
  SignalWorkers(SIGINT);
  EXPECT_TRUE(IsServed(peer));
  ExpectServes();
  EXPECT_EQ(Workers(), before);
}

class WakeTest : public WorkersTest {
 protected:
  // How often each worker has gone to sleep.
  std::map<pid_t, int64_t> Sleeps() {
    std::map<pid_t, int64_t> sleeps;
    for (const pid_t worker : Workers()) sleeps[worker] = CountSleeps(worker);
    return sleeps;
  }
};
INSTANTIATE_TEST_SUITE_P(, WakeTest,
                         testing::Values(Flags{"--model=epoll", "--worker_type=thread"},
                                         Flags{"--model=epoll", "--worker_type=process"}, Flags{"--model=coroutine"},
                                         Flags{"--model=fiber"}, Flags{"--model=prefork"}, Flags{"--model=threadpool"}),
                         NameOfFlags);

TEST_P(WakeTest, ClientWakesAllWorkersIfThatIsAskedFor) {
  StartServer({"--workers=4", "--wake=all"});
  ASSERT_TRUE(AwaitWorkers(4));
  for (const pid_t worker : Workers()) EXPECT_TRUE(Eventually([worker] { return IsAsleep(worker); }));
  const std::map<pid_t, int64_t> before = Sleeps();
  ExpectServes();
  EXPECT_TRUE(Eventually([&] {
    const std::map<pid_t, int64_t> now = Sleeps();
    return std::all_of(before.begin(), before.end(), [&](const auto& one) { return now.at(one.first) > one.second; });
  }));
}

// The kernel promises no more than that it wakes one at least, and seldom wakes two.
TEST_P(WakeTest, ClientsDoNotWakeAllWorkersOtherwise) {
  constexpr size_t kClients = 8;
  StartServer({"--workers=4"});
  ASSERT_TRUE(AwaitWorkers(4));
  size_t woken = 0;
  for (size_t i = 0; i < kClients; ++i) {
    const std::map<pid_t, int64_t> before = Sleeps();
    ExpectServes();
    for (const auto& [worker, sleeps] : Sleeps()) woken += sleeps > before.at(worker) ? 1 : 0;
  }
  EXPECT_LT(woken, 4 * kClients);
}

// Binds the calling thread to one processor, and gives it back those that it had.
class OnProcessor {
 public:
  explicit OnProcessor(int processor) {
    CPU_ZERO(&before_);
    ::sched_getaffinity(0, sizeof(before_), &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(processor), &one);
    ::sched_setaffinity(0, sizeof(one), &one);
  }
  ~OnProcessor() { ::sched_setaffinity(0, sizeof(before_), &before_); }
  OnProcessor(const OnProcessor&) = delete;
  OnProcessor& operator=(const OnProcessor&) = delete;

 private:
  cpu_set_t before_;
};

// An even and an odd one of those that we may use; fewer if there are no such two.
std::vector<int> TwoProcessors() {
  cpu_set_t ours;
  CPU_ZERO(&ours);
  ::sched_getaffinity(0, sizeof(ours), &ours);
  std::vector<int> found;
  for (int rest : {0, 1}) {
    for (int processor = rest; processor < CPU_SETSIZE; processor += 2) {
      if (!CPU_ISSET(static_cast<size_t>(processor), &ours)) continue;
      found.push_back(processor);
      break;
    }
  }
  return found;
}

using SteeredTest = LoopsTest;
INSTANTIATE_TEST_SUITE_P(, SteeredTest,
                         testing::Values(Flags{"--model=epoll", "--worker_type=thread"},
                                         Flags{"--model=epoll", "--worker_type=process"}, Flags{"--model=poll"},
                                         Flags{"--model=uring"}),
                         NameOfFlags);

// Over loopback a client's first packet arrives on the processor that has sent it.
TEST_P(SteeredTest, LoopOfAProcessorGetsTheClientsThatComeInThere) {
  constexpr int kClients = 8;
  const std::vector<int> processors = TwoProcessors();
  if (processors.size() < 2) GTEST_SKIP() << "there is one processor";
  StartServer({"--workers=2", "--accept=bpf"});
  ASSERT_TRUE(AwaitWorkers(2));
  std::vector<pid_t> loops;
  for (const int processor : processors) {
    std::vector<Peer> peers;
    {
      const OnProcessor here(processor);
      for (int i = 0; i < kClients; ++i) peers.push_back(Connect());
    }
    // Another loop may wake up for a reason of its own, but not each time.
    std::vector<pid_t> awake;
    EXPECT_TRUE(Eventually([&] {
      awake = WorkersOf(peers);
      return awake.size() == 1;
    }));
    loops.insert(loops.end(), awake.begin(), awake.end());
  }
  ASSERT_EQ(loops.size(), 2u);
  EXPECT_NE(loops[0], loops[1]);
}

// They are stopped, so that none accepts the clients before it is killed.
TEST_P(ProcessLoopsTest, ClientsThatWaitForKilledOnesAreServedByTheirReplacements) {
  StartServer({"--workers=2"});
  ExpectServes();
  ASSERT_TRUE(AwaitWorkers(2));
  std::vector<Peer> peers = ConnectToStopped();
  SignalWorkers(SIGKILL);
  for (Peer& peer : peers) EXPECT_EQ(peer.Read(4), "ping");
}

TEST_P(ProcessLoopsTest, ClientsThatWaitForKilledOnesWhenTheServerStopsAreServedToo) {
  StartServer({"--workers=2", "--drain_timeout=10m"});
  ExpectServes();
  ASSERT_TRUE(AwaitWorkers(2));
  std::vector<Peer> peers = ConnectToStopped();
  Stop();
  SignalWorkers(SIGKILL);
  for (Peer& peer : peers) EXPECT_EQ(peer.ReadToEnd(), "ping");
}

// A list such as "0-3" or "0,2"; see Cpus_allowed_list in proc(5).
bool NamesSeveral(const std::string& processors) { return processors.find_first_of(",-") != std::string::npos; }

using PinnedTest = WorkersTest;
INSTANTIATE_TEST_SUITE_P(, PinnedTest,
                         testing::Values(Flags{"--model=epoll", "--worker_type=thread"},
                                         Flags{"--model=epoll", "--worker_type=process"}, Flags{"--model=prefork"},
                                         Flags{"--model=threadpool"}),
                         NameOfFlags);

TEST_P(PinnedTest, EachWorkerHasOneProcessorAndTheServerAll) {
  StartServer({"--workers=3", "--pin_cpus"});
  ExpectServes();
  ASSERT_TRUE(AwaitWorkers(3));
  const auto is_pinned = [](pid_t worker) { return !NamesSeveral(AllowedProcessors(worker)); };
  const auto count = [&] {
    const std::vector<pid_t> workers = Workers();
    return std::count_if(workers.begin(), workers.end(), is_pinned);
  };
  EXPECT_TRUE(Eventually([&] { return count() == 3; }));
  EXPECT_EQ(AllowedProcessors(server().pid()), AllowedProcessors(::getpid()));
}

// The helpers are to do the long work beside their loop, so they must not share its processor.
using PinnedHelpersTest = LoopsTest;
INSTANTIATE_TEST_SUITE_P(, PinnedHelpersTest,
                         testing::Values(Flags{"--model=epoll", "--workers=1"}, Flags{"--model=uring", "--workers=1"},
                                         Flags{"--model=epoll", "--workers=2", "--worker_type=thread"},
                                         Flags{"--model=epoll", "--workers=2", "--worker_type=process"}),
                         NameOfFlags);

TEST_P(PinnedHelpersTest, LoopsHaveOneProcessorAndTheirHelpersAll) {
  const std::string all = AllowedProcessors(::getpid());
  if (!NamesSeveral(all)) GTEST_SKIP() << "there is one processor";
  constexpr int kHelpers = 3;
  const int loops = GetParam()[1] == "--workers=1" ? 1 : 2;
  StartServer({"--pin_cpus", absl::StrCat("--offload=", kHelpers)});
  ExpectServes();
  const auto count = [this](bool pinned) {
    int found = 0;
    for (const pid_t process : server().processes()) {
      for (const pid_t thread : ThreadsOf(process)) {
        const std::string allowed = AllowedProcessors(thread);
        if (!allowed.empty() && NamesSeveral(allowed) != pinned) ++found;
      }
    }
    return found;
  };
  EXPECT_TRUE(Eventually([&] { return count(true) == loops; }));
  EXPECT_TRUE(Eventually([&] { return count(false) >= loops * kHelpers; }));
}

using OneLoopTest = LoopsTest;
INSTANTIATE_TEST_SUITE_P(, OneLoopTest, testing::Values(Flags{"--model=epoll"}, Flags{"--model=uring"}), NameOfFlags);

// The first look at the listener reads the requests of all, and accepting the first of them uses up the descriptors. By
// its acknowledgement the first has shown that it is there, so it does not have to make room.
TEST_P(OneLoopTest, UdpPeersThatWereReadBeforeAShortageOfDescriptorsAreServedBehindIt) {
  if (kChecksPointers) GTEST_SKIP() << "the sanitizer itself needs descriptors (a pipe to look at an object's type)";
  // In each pause of a shortage one of them is refused; enough that some are left when it is over.
  constexpr int kCrowd = 100;
  constexpr int kDescriptorsOfOne = 5;  // Two sockets, both ends of a channel, file.
  const Scratch root;
  root.Write("a", std::string(2000, 'x'));
  root.Write("b", "b");
  // The end does not wait for those that do not acknowledge.
  StartServer({"--listen=tftp+udp://127.0.0.1:0", absl::StrCat("--root=", root.path()), "--drain_timeout=1s"});
  const pid_t pid = server().pid();
  ::kill(pid, SIGSTOP);
  ASSERT_TRUE(Eventually([pid] { return IsStopped(pid); }));
  TftpPeer first(server().address("tftp+udp"));
  first.Send(TftpPacketOf("RRQ a octet"));
  first.SendToServer(TftpPacketOf("ACK 1"));
  std::deque<TftpPeer> crowd;
  for (int i = 0; i < kCrowd; ++i) crowd.emplace_back(server().address("tftp+udp")).Send(TftpPacketOf("RRQ b octet"));
  LimitDescriptors(pid, LowestFreeDescriptor(pid, kDescriptorsOfOne + 1));
  ::kill(pid, SIGCONT);
  ASSERT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "refused a peer of tftp"); }));
  LimitDescriptors(pid, 1000);
  EXPECT_EQ(DescribeTftpPacket(crowd.back().Receive().value_or("")), "DATA 1 b");
}

class PassedLoopsTest : public LoopsTest {};
INSTANTIATE_TEST_SUITE_P(, PassedLoopsTest, testing::ValuesIn(Combine({"epoll", "uring"}, {"pass"}, {"process"})),
                         NameOfFlags);

TEST_P(PassedLoopsTest, LoopThatWasFullServesAgainAfterAShortageOfDescriptors) {
  if (kChecksPointers) GTEST_SKIP() << "the sanitizer itself needs descriptors (a pipe to look at an object's type)";
  // Inbox::kMaxWaiting is 64: with more clients the acceptor, too, has to wait for the loop.
  constexpr int kMoreThanWait = 80;
  StartServer({"--workers=1"});
  ExpectServes();
  ASSERT_TRUE(AwaitWorkers(1));
  const pid_t worker = Workers()[0];
  ::kill(worker, SIGSTOP);
  // Whatever it is passed from now on cannot become a descriptor of its own (unix(7), SCM_RIGHTS).
  LimitDescriptors(worker, 0);
  std::vector<Peer> peers;
  for (int i = 0; i < kMoreThanWait; ++i) peers.push_back(Connect());
  ::kill(worker, SIGCONT);
  EXPECT_TRUE(peers.front().AwaitClose());
  LimitDescriptors(worker, 1000);
  for (Peer& peer : peers) EXPECT_TRUE(IsServed(peer) || peer.AwaitClose());
  ExpectServes();
}

TEST_P(PassedLoopsTest, DatagramsThatABusyLoopDoesNotReadKeepNobodyElseBusy) {
  StartServer({"--workers=1", "--listen=echo://127.0.0.1:0,echo+udp://127.0.0.1:0"});
  ASSERT_TRUE(AwaitWorkers(1));
  ExpectServes();
  const pid_t worker = Workers()[0];
  ::kill(worker, SIGSTOP);
  DatagramPeer peer(server().address("echo+udp"));
  peer.Send("ping");
  const absl::Duration before = ProcessorTime(server().pid());
  // A window to measure in. A server that looked at the datagram again and again would need all of it.
  absl::SleepFor(absl::Milliseconds(300));
  EXPECT_LT(ProcessorTime(server().pid()) - before, absl::Milliseconds(150));
  ::kill(worker, SIGCONT);
  EXPECT_EQ(peer.Receive(), "ping");
}

class ThreadLoopsTest : public LoopsTest {};
INSTANTIATE_TEST_SUITE_P(, ThreadLoopsTest, testing::ValuesIn(Combine(kModels, kPolicies, {"thread"})), NameOfFlags);

// They share what the process has. Once it is ready, none of them may need anything that clients could have taken.
TEST_P(ThreadLoopsTest, ServerThatHasTooFewDescriptorsForAllIsNeverReady) {
  if (kChecksPointers) GTEST_SKIP() << "the sanitizer itself needs descriptors (a pipe to look at an object's type)";
  Flags flags = GetParam();
  flags.insert(flags.end(), {"--workers=64", "--listen=echo://127.0.0.1:0"});
  ServerProcess server({.flags = flags, .before_exec = [] {
                          const rlimit few = {100, 100};
                          ::setrlimit(RLIMIT_NOFILE, &few);
                        }});
  EXPECT_FALSE(server.ready());
  EXPECT_EQ(server.AwaitExit(), 2);
  EXPECT_TRUE(absl::StrContains(server.log(), "Too many open files")) << server.log();
}

// select(2) watches no descriptor above 1023. Loops that are processes meet that after the server, were it not tried.
TEST(SelectTest, MoreLoopsThanItHasDescriptorsForAreRefused) {
  for (const std::string type : {"thread", "process"}) {
    ExpectRefused({"--model=select", "--workers=300", "--accept=reuseport", absl::StrCat("--worker_type=", type),
                   "--listen=echo://127.0.0.1:0,file://127.0.0.1:0,message://127.0.0.1:0,compute://127.0.0.1:0"},
                  "watches no descriptor above 1023");
  }
}

TEST(LoopsFlagsTest, WhatMakesNoSenseIsRefused) {
  ExpectRefused({"--model=epoll", "--workers=0"}, "--workers=0 is not from 1 to 1024");
  ExpectRefused({"--model=epoll", "--workers=2", "--accept=lock"}, "use shared, pass, reuseport or bpf");
  ExpectRefused({"--model=uring", "--accept=often"}, "shared, lock, pass, reuseport, bpf");
  ExpectRefused({"--model=epoll", "--accept=bpf"}, "--workers=N");
  ExpectRefused({"--model=epoll", "--accept=bpf", "--worker_type=process"}, "--workers=N");
  ExpectRefused({"--model=poll", "--worker_type=fiber"}, "not thread or process");
  ExpectRefused({"--model=nonblock", "--workers=2"}, "--workers");
  ExpectRefused({"--model=prefork", "--worker_type=process"}, "--worker_type");
  ExpectRefused({"--model=epoll", "--workers_max=2"}, "--workers_max");
  ExpectRefused({"--model=thread", "--pin_cpus"}, "--pin_cpus");
}

}  // namespace

}  // namespace polyserve
