// --overload: what waits for a worker or a loop is served in the order that it says, and what is refused hears so at
// once, in the words of its protocol.
#include <signal.h>
#include <sys/syscall.h>

#include <cstdint>
#include <deque>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/statistics.h"
#include "protocol/proxy/test_headers.h"
#include "tests/call_gate.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/scratch.h"

namespace polyserve {

namespace {

constexpr int64_t kAnyNumber = -1;
constexpr char kNoGate[] = "seccomp_unotify(2) is not allowed here";

// All that a model has to serve with is occupied, so that clients wait: the one worker of a pool by a client that
// stays, that of halfsync by a file that it can't open for now (CallGate). A loop is stopped (SIGSTOP): when it goes
// on, it finds all that has come meanwhile, in its order.
class OverloadTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    if (!can().queues) GTEST_SKIP() << "by design: it has no queue of its own; see docs/operations.md";
    if (has_flag("--accept=bpf")) GTEST_SKIP() << "refused: it goes with several loops";
    for (const absl::string_view name : {"b", "c", "d"}) root().Write(name, "hello");
  }

  // False: this system lets no test hold up calls, without which this model can't be occupied.
  bool Start(std::vector<std::string> flags) {
    flags.emplace_back("--workers=1");
    if (takes_flag("threads")) flags.emplace_back("--threads=1");
    flags.push_back(absl::StrCat("--access_log=", log_.path(), "/log"));
    if (can().pooled) {
      StartServer(std::move(flags));
    } else {
      StartServer({.flags = std::move(flags), .before_exec = [this] { opening_.Install(); }});
      if (!opening_.is_installed()) return false;
    }
    absl::StatusOr<Statistics> statistics = OpenStatistics();
    EXPECT_TRUE(statistics.ok()) << statistics.status();
    if (!statistics.ok()) return false;
    statistics_ = *std::move(statistics);
    return true;
  }

  // For the cases that do not occupy it.
  void StartIdle(std::vector<std::string> flags) {
    StartServer(std::move(flags));
    absl::StatusOr<Statistics> statistics = OpenStatistics();
    ASSERT_TRUE(statistics.ok()) << statistics.status();
    statistics_ = *std::move(statistics);
    AwaitQuiet();
  }
  // From here to GoOn() the whole server does nothing.
  void Pause() {
    SignalAll(SIGSTOP);
    for (const pid_t process : server().processes()) {
      EXPECT_TRUE(Eventually([process] { return IsStopped(process); }));
    }
  }
  void GoOn() { SignalAll(SIGCONT); }

  // Connects them, and has each ask.
  std::vector<Peer> ManyThatAsk(int count) {
    std::vector<Peer> peers;
    for (int i = 0; i < count; ++i) {
      peers.push_back(Connect("http"));
      EXPECT_TRUE(peers.back().Send(Request("b")));
    }
    return peers;
  }

  static bool is_loop() { return !can().pooled && !can().computes_apart; }
  Totals Connections() const { return statistics_->Total(); }
  QueueTotals Queues() const { return statistics_->TotalOfQueues(); }

  // Those that will ask, in this order, connect to these services, unless the model has a worker for as long as a
  // client stays: there each connects when it asks.
  void ConnectAhead(const std::vector<std::string>& services) {
    for (size_t i = 0; !can().pooled && i < services.size(); ++i) {
      clients_.push_back(Connect(services[i]));
      EXPECT_TRUE(Eventually([&] { return statistics_->Total().accepted == static_cast<int64_t>(i) + 1; }));
    }
  }

  // What each client sends first.
  void SendBeforeAll(absl::string_view bytes) { before_all_ = std::string(bytes); }

  // From now on clients wait.
  void Occupy() {
    if (is_loop()) return Pause();
    if (can().pooled) {
      occupant_.emplace(Connect("echo"));
      occupant_->Send(before_all_);
      EXPECT_TRUE(IsServed(*occupant_));
    } else {
      opening_.Close();
      occupant_.emplace(Connect("http"));
      // ServedNames() leaves it out.
      occupant_->Send(absl::StrCat(before_all_, "HEAD /b HTTP/1.1\r\nHost: localhost\r\n\r\n"));
      EXPECT_TRUE(Eventually([this] { return Queues().tasks == 1 && Queues().waiting == 0; }));
    }
  }

  void Release() {
    opening_.Open();
    if (is_loop()) GoOn();
    if (can().pooled) occupant_.reset();
  }

  // The next client sends this. Returns when `waiting` are in the queue; a stopped loop has none, and for it the order
  // of what is sent is what counts.
  Peer Ask(absl::string_view service, absl::string_view bytes, int64_t waiting) {
    Peer peer = can().pooled ? Connect(service) : std::move(clients_.front());
    if (!can().pooled) clients_.pop_front();
    EXPECT_TRUE(peer.Send(absl::StrCat(before_all_, bytes)));
    if (is_loop() || waiting == kAnyNumber) return peer;
    EXPECT_TRUE(Eventually([&] { return Queues().waiting == waiting; })) << Queues().waiting;
    return peer;
  }
  // Before Release(): otherwise the last one that has asked might find a place. A stopped loop refuses behind it.
  void AwaitRefused(int64_t count) {
    if (is_loop()) return;
    EXPECT_TRUE(Eventually([&] { return Queues().refused == count; })) << Queues().refused;
  }
  Peer AskFor(absl::string_view name, int64_t waiting) { return Ask("http", Request(name), waiting); }

  // A loop, or the worker of halfsync, begins with what has come, and waits for the first file to be opened.
  void ReleaseBehindTheGate() {
    opening_.Close();
    GoOn();
  }
  void OpenTheGate() { opening_.Open(); }

  static std::string Request(absl::string_view name) {
    return absl::StrCat("GET /", name, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  }

  static void ExpectIsRefused(Peer& peer) {
    const std::string reply = peer.ReadToEnd();
    EXPECT_TRUE(absl::StartsWith(reply, "HTTP/1.1 503 Service Unavailable\r\n")) << reply;
    EXPECT_TRUE(absl::StrContains(reply, "\r\nRetry-After: ")) << reply;
    EXPECT_TRUE(peer.was_closed());
  }

  void ExpectServesInTheEnd() {
    EXPECT_TRUE(Eventually([this] {
      Peer next = Connect("http");
      next.Send(Request("c"));
      return IsAnswered(next);
    }));
  }

  static bool IsAnswered(Peer& peer) { return absl::StartsWith(peer.ReadToEnd(), "HTTP/1.1 200 OK\r\n"); }

  // The names of what was asked for, in the order in which it was served.
  std::string ServedNames() {
    const std::string begin = "\"GET /";
    std::string names;
    const std::string lines = log();
    for (size_t at = lines.find(begin); at != std::string::npos; at = lines.find(begin, at + 1)) {
      names += lines[at + begin.size()];
    }
    return names;
  }
  // The access log.
  std::string log() { return log_.Read("log"); }

 private:
  void SignalAll(int signal) {
    for (const pid_t process : server().processes()) ::kill(process, signal);
  }

  Scratch log_;
  std::string before_all_;
  CallGate opening_{{SYS_openat2}, CallGate::kHold};  // Of files.
  std::optional<Statistics> statistics_;
  std::deque<Peer> clients_;
  std::optional<Peer> occupant_;
};

TEST_F(OverloadTest, NewestIsServedFirstAndTheOldestIsRefusedIfTheQueueIsFull) {
  if (!Start({"--overload=newest", "--overload_queue=2"})) GTEST_SKIP() << kNoGate;
  ConnectAhead({"http", "http", "http"});
  Occupy();
  Peer first = AskFor("b", 1);
  Peer second = AskFor("c", 2);
  Peer third = AskFor("d", 2);
  AwaitRefused(1);
  Release();
  ExpectIsRefused(first);
  EXPECT_TRUE(IsAnswered(third));
  EXPECT_TRUE(IsAnswered(second));
  EXPECT_EQ(ServedNames(), "dc");
  EXPECT_EQ(Queues().refused, 1);
}

// At once, while all is still occupied; a stopped loop can do nothing until it goes on.
TEST_F(OverloadTest, WhoFindsTheQueueFullIsRefusedInTheWordsOfTheProtocol) {
  // No limit of connections, which this rule is about otherwise.
  if (!Start({"--overload=refuse", "--overload_queue=1", "--max_connections=0"})) GTEST_SKIP() << kNoGate;
  ConnectAhead({"http", "http", "file", "compute", "echo"});
  Occupy();
  Peer waits = AskFor("b", 1);
  Peer refused = AskFor("c", 1);
  Peer file = Ask("file", "G b\n", 1);
  Peer compute = Ask("compute", "PRIMES 10\n", 1);
  Peer echo = Ask("echo", "ping", 1);
  if (is_loop()) Release();
  ExpectIsRefused(refused);
  EXPECT_EQ(file.ReadToEnd(), "ERR 503 the server has too much to do\n");
  EXPECT_EQ(compute.ReadToEnd(), "ERR 503 the server has too much to do\n");
  EXPECT_EQ(echo.ReadToEnd(), "");  // It has no words.
  if (!is_loop()) Release();
  EXPECT_TRUE(IsAnswered(waits));
  EXPECT_EQ(ServedNames(), "b");
  EXPECT_FALSE(absl::StrContains(absl::StrCat("\n", log()), "\n- - -")) << "a line names no client: " << log();
  EXPECT_EQ(Queues().refused, 4);
  EXPECT_EQ(Queues().dropped, 0);
  EXPECT_EQ(Connections().accepted, is_loop() ? 5 : 6) << "it does not fall";
  const int stay = is_loop() || can().pooled ? 0 : 1;  // That by which halfsync was occupied.
  EXPECT_TRUE(Eventually([&] { return Connections().active() == stay; })) << Connections().active();
}

TEST_F(OverloadTest, NobodyIsRefusedByAPoolWhileWorkersAreIdle) {
  if (!can().pooled) GTEST_SKIP() << "no client of it waits for a worker";
  constexpr int kWorkers = 4;
  StartIdle({"--overload=refuse", "--overload_queue=1", absl::StrCat("--workers=", kWorkers)});
  Pause();
  std::vector<Peer> peers = ManyThatAsk(kWorkers);
  GoOn();
  for (Peer& peer : peers) EXPECT_TRUE(IsAnswered(peer));
  EXPECT_EQ(Queues().refused, 0);
}

// Loops that share a listener take all that has come, as a single one does, so that the rule is about all.
TEST_F(OverloadTest, LoopsThatShareAListenerRefuseWhatTheyHaveNoPlaceFor) {
  if (!is_loop() || !takes_flag("accept")) GTEST_SKIP() << "it is no pool of loops";
  StartIdle({"--overload=refuse", "--overload_queue=1", "--workers=2", "--accept=shared"});
  Pause();
  std::vector<Peer> peers = ManyThatAsk(16);
  GoOn();
  int answered = 0;
  for (Peer& peer : peers) answered += IsAnswered(peer) ? 1 : 0;
  EXPECT_GT(answered, 0);
  EXPECT_EQ(answered + Queues().refused, 16);
  EXPECT_GT(Queues().refused, 0);
}

// A pool refuses it before the header has come; a loop, and the workers of halfsync, before the header is looked at.
TEST_F(OverloadTest, WhoComesThroughABalancerIsRefusedAsOthersAre) {
  if (!Start({"--overload=refuse", "--overload_queue=1", "--proxy_protocol_from=127.0.0.1"})) GTEST_SKIP() << kNoGate;
  SendBeforeAll(ProxyHeaderV1());
  ConnectAhead({"http", "http", "file"});
  Occupy();
  Peer waits = AskFor("b", 1);
  Peer refused = AskFor("c", 1);
  Peer file = Ask("file", "G b\n", 1);
  AwaitRefused(2);
  Release();
  ExpectIsRefused(refused);
  EXPECT_EQ(file.ReadToEnd(), "ERR 503 the server has too much to do\n");
  EXPECT_TRUE(IsAnswered(waits));
  EXPECT_EQ(ServedNames(), "b");
  EXPECT_EQ(Queues().refused, 2);
  EXPECT_TRUE(absl::StrContains(log(), "127.0.0.1 - - [")) << log() << "the refusal has the balancer's address";
}

constexpr absl::Duration kInterval = absl::Milliseconds(20);
const std::string kDeadline[] = {"--overload=deadline", "--overload_target=5ms", "--overload_interval=20ms"};

// By a pool while its worker still has the other client.
TEST_F(OverloadTest, ClientOfAPoolThatHasWaitedForTooLongIsRefusedAndTheNextIsServed) {
  if (!can().pooled) GTEST_SKIP() << "no client of it waits for a worker";
  ASSERT_TRUE(Start({std::begin(kDeadline), std::end(kDeadline)}));
  Occupy();
  Peer waits = AskFor("b", kAnyNumber);  // It may be gone again before anyone looks.
  ExpectIsRefused(waits);
  EXPECT_EQ(Queues().dropped, 1);
  Release();
  ExpectServesInTheEnd();
}

TEST_F(OverloadTest, RequestThatHasWaitedForTooLongIsRefusedAtItsTurnAndTheNextIsServed) {
  if (can().pooled) GTEST_SKIP() << "its clients wait, not their requests";
  if (!Start({std::begin(kDeadline), std::end(kDeadline)})) GTEST_SKIP() << kNoGate;
  ConnectAhead({"http", "http"});
  Occupy();
  Peer first = AskFor("b", 1);
  Peer second = AskFor("c", 2);
  ReleaseBehindTheGate();
  // A loop has begun with the first one; halfsync has both in its queue.
  EXPECT_TRUE(Eventually([this] { return Queues().waiting == (is_loop() ? 1 : 2); })) << Queues().waiting;
  absl::SleepFor(2 * kInterval);  // The time that is too long.
  OpenTheGate();
  ExpectIsRefused(second);
  EXPECT_GE(Queues().dropped, 1);
  first.ReadToEnd();
  ExpectServesInTheEnd();
}

TEST_F(OverloadTest, RequestsInTimeAreServedUnderEveryRule) {
  for (const absl::string_view rule : {"wait", "refuse", "newest", "deadline"}) {
    std::vector<std::string> flags = {absl::StrCat("--overload=", rule)};
    if (rule == "deadline") flags.emplace_back("--overload_interval=1m");  // However busy this machine is.
    StartServer(std::move(flags));
    for (int i = 0; i < 3; ++i) {
      Peer peer = Connect("http");
      peer.Send(Request("b"));
      EXPECT_TRUE(IsAnswered(peer)) << rule;
    }
    ExpectServesOthers();
    const absl::StatusOr<Statistics> statistics = OpenStatistics();
    ASSERT_TRUE(statistics.ok());
    EXPECT_EQ(statistics->TotalOfQueues().refused + statistics->TotalOfQueues().dropped, 0) << rule;
    server().Signal(SIGTERM);
    ExpectCleanExit();
  }
}

TEST_F(OverloadTest, ClientsInTheQueueOfAPoolAreServedWhenItStops) {
  if (!can().pooled) GTEST_SKIP() << "its clients are served until they leave";
  ASSERT_TRUE(Start({"--overload=newest"}));
  Occupy();
  Peer first = AskFor("b", 1);
  Peer second = AskFor("c", 2);
  server().Signal(SIGTERM);
  EXPECT_TRUE(IsAnswered(first));
  EXPECT_TRUE(IsAnswered(second));
  ExpectCleanExit();
}

// A worker that is forked meanwhile has copies of all that waits, which it has to close: the client would not see the
// end of its connection otherwise.
TEST_F(OverloadTest, RefusedClientIsClosedThoughWorkersWereForkedWhileItWaited) {
  if (!can().pooled || can().shares_memory) GTEST_SKIP() << "it forks no workers";
  ASSERT_TRUE(Start({"--overload=newest", "--overload_queue=2"}));
  Occupy();
  Peer oldest = Ask("echo", "ping", 1);
  Peer newest = Ask("echo", "ping", 2);
  for (const pid_t process : server().processes()) {
    if (process != server().pid()) ::kill(process, SIGKILL);
  }
  EXPECT_EQ(newest.Read(4), "ping");  // By the worker that has taken the place of the killed one.
  Peer third = Ask("echo", "ping", 2);
  Peer fourth = Ask("echo", "ping", 2);
  EXPECT_TRUE(oldest.AwaitClose());
}

}  // namespace

}  // namespace polyserve
