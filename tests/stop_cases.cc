// How the server ends: it finishes running requests, closes all other connections soon, and leaves nothing behind.
#include <signal.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/file_talk.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/scratch.h"

namespace polyserve {

namespace {

// More than the kernel's buffers hold, so that a transfer is surely still running when it is looked at.
constexpr size_t kLarge = 64 << 20;

// If this passes, the test has failed.
constexpr char kPatientDrain[] = "--drain_timeout=10m";

// For the cases in which idle connections are waited for: none of them asks for anything after the stop.
constexpr char kShortGrace[] = "--stop_grace=100ms";

class StopTest : public EveryModelTest {
 protected:
  // Starts a download and takes its reply line only.
  Peer StartDownload() {
    Peer peer = Connect("file");
    peer.Send("G large\n");
    EXPECT_EQ(peer.ReadLine(), absl::StrCat("OK ", kLarge, "\n"));
    return peer;
  }

  // Stops (SIGSTOP) all processes but the server's own.
  void StopDescendants() {
    for (const pid_t process : server().processes()) {
      if (process != server().pid()) ::kill(process, SIGSTOP);
    }
  }

  bool Refuses() { return Peer(server().address("echo")).was_refused(); }
};

TEST_F(StopTest, IdleServerEndsAtOnce) {
  StartServer();
  server().Signal(SIGTERM);
  ExpectCleanExit();
}

TEST_F(StopTest, SignalsThatItsParentBlockedOrIgnoredAreItsOwn) {
  StartServer({.flags = {kShortGrace}, .before_exec = [] {
                 // What is ignored or blocked here stays so after execve(2) (signal(7)).
                 for (const int signal : {SIGTERM, SIGCHLD, SIGUSR1, SIGALRM, SIGIO}) ::signal(signal, SIG_IGN);
                 sigset_t all;
                 ::sigfillset(&all);
                 ::sigprocmask(SIG_BLOCK, &all, nullptr);
               }});
  ExpectServesOthers();
  EXPECT_TRUE(Eventually([this] { return server().CountZombies() == 0; }));
  server().Signal(SIGUSR1);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "statistics: "); }));
  Peer idle = Connect("echo");
  EXPECT_TRUE(IsServed(idle));
  server().Signal(SIGTERM);
  ExpectCleanExit();
}

TEST_F(StopTest, InterruptEndsItAsTerminateDoes) {
  StartServer();
  server().Signal(SIGINT);
  ExpectCleanExit();
}

TEST_F(StopTest, IdleClientsAreLetGo) {
  StartServer({kPatientDrain, kShortGrace});
  std::vector<Peer> peers;
  for (int i = 0; i < (can().keeps_clients_apart ? 10 : 1); ++i) {
    peers.push_back(Connect("echo"));
    peers.back().Send("ping");
    EXPECT_EQ(peers.back().Read(4), "ping");
  }
  server().Signal(SIGTERM);
  for (Peer& peer : peers) {
    EXPECT_EQ(peer.ReadToEnd(), "");
    EXPECT_TRUE(peer.was_closed());
  }
  ExpectCleanExit();
}

TEST_F(StopTest, DownloadIsFinishedFirst) {
  const std::string bytes = RandomBytes(kLarge, 8);
  root().Write("large", bytes);
  StartServer({kPatientDrain, kShortGrace});
  Peer peer = StartDownload();
  server().SignalAndAwaitDelivery(SIGTERM);
  EXPECT_EQ(Sha256(peer.Read(kLarge)), Sha256(bytes));
  EXPECT_EQ(peer.ReadToEnd(), "");
  ExpectCleanExit();
}

TEST_F(StopTest, DownloadIsFinishedHoweverLongItTakesWhereThereIsNoDrainTimeout) {
  root().WriteZeroes("large", kLarge);
  StartServer({"--drain_timeout=inf", kShortGrace});
  Peer peer = StartDownload();
  server().SignalAndAwaitDelivery(SIGTERM);
  EXPECT_EQ(peer.Read(kLarge).size(), kLarge);
  ExpectCleanExit();
}

TEST_F(StopTest, UploadIsFinishedFirst) {
  const std::string bytes = RandomBytes(200'000, 9);
  StartServer({kPatientDrain, kShortGrace});
  Peer peer = Connect("file");
  peer.Send(absl::StrCat("P a ", bytes.size(), "\n"));
  peer.Send(absl::string_view(bytes).substr(0, 100'000));
  Peer idle = Connect("echo");
  EXPECT_TRUE(!can().keeps_clients_apart || IsServed(idle));
  server().SignalAndAwaitDelivery(SIGTERM);
  // When this one is closed, the stop has reached all, and there is nothing more to read of the upload.
  EXPECT_TRUE(!can().keeps_clients_apart || idle.AwaitClose());
  peer.Send(absl::string_view(bytes).substr(100'000));
  EXPECT_EQ(peer.ReadToEnd(), "OK 0\n");
  EXPECT_EQ(Sha256(root().Read("a")), Sha256(bytes));
  ExpectCleanExit();
}

TEST_F(StopTest, WhileATransferRunsOthersAreRefusedOrLetGo) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: it sees the others when the transfer has ended";
  root().WriteZeroes("large", kLarge);
  StartServer({kPatientDrain, kShortGrace});
  Peer idle = Connect("file");
  EXPECT_EQ(Ask(idle, "S none").code(), "ERR 404");
  Peer peer = StartDownload();
  server().Signal(SIGTERM);
  EXPECT_TRUE(idle.AwaitClose());
  EXPECT_TRUE(Eventually([this] { return Refuses(); }));
  EXPECT_EQ(peer.Read(kLarge).size(), kLarge);
  ExpectCleanExit();
}

// A stopped process cannot accept, so that these are surely in the queue when it learns of both.
TEST_F(StopTest, RequestsInTheQueueAreStillAnswered) {
  root().Write("a", "first");
  StartServer({kPatientDrain, kShortGrace});
  ExpectServesOthers();
  server().Signal(SIGSTOP);
  ASSERT_TRUE(Eventually([this] { return IsStopped(server().pid()); }));
  std::vector<Peer> peers;
  for (int i = 0; i < 8; ++i) {
    peers.push_back(Connect("file"));
    peers.back().Send("G a\n");
  }
  Peer upload = Connect("file");
  upload.Send("P b 6\nsec");
  Peer silent = Connect("file");
  server().Signal(SIGTERM);
  server().Signal(SIGCONT);
  for (Peer& peer : peers) EXPECT_EQ(peer.ReadToEnd(), "OK 5\nfirst");
  upload.Send("ond");
  EXPECT_EQ(upload.ReadToEnd(), "OK 0\n");
  EXPECT_TRUE(silent.AwaitClose());
  ExpectCleanExit();
}

TEST_F(StopTest, RequestThatCameJustBeforeIsAnsweredWhileAnotherIsUnfinished) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: the unfinished one keeps the other out";
  constexpr int kRounds = 10;  // Whether it is accepted before the stop or after it is a race: see both.
  for (int round = 0; round < kRounds; ++round) {
    StartServer({kPatientDrain, kShortGrace});
    Peer unfinished = Connect("file");
    unfinished.Send("P a 6\nsec");
    Peer other = Connect("file");
    other.Send("S none\n");
    server().Signal(SIGTERM);
    ASSERT_EQ(other.ReadToEnd(), "ERR 404 there is no such file\n") << "in round " << round;
    unfinished.Send("ond");
    ASSERT_EQ(unfinished.ReadToEnd(), "OK 0\n") << "in round " << round;
    ExpectCleanExit();
  }
}

TEST_F(StopTest, SecondSignalEndsItAtOnce) {
  root().WriteZeroes("large", kLarge);
  StartServer({kPatientDrain});
  Peer peer = StartDownload();
  server().SignalAndAwaitDelivery(SIGTERM);
  EXPECT_TRUE(Eventually([this] {  // Again and again: ThreadSanitizer has two that come at once melt into one.
    server().Signal(SIGTERM);
    return server().processes().empty();
  }));
  // As if the signal had killed it, so that a supervisor does not take it for a clean end.
  EXPECT_EQ(server().AwaitExit(), 128 + SIGTERM);
  EXPECT_TRUE(Eventually([this] { return server().processes().empty(); }));
}

TEST_F(StopTest, ClientThatNeverReadsIsWaitedForNoLongerThanTheDrainTimeout) {
  if (kDefersSignals && !can().keeps_clients_apart) {
    GTEST_SKIP() << "the only thread waits in sendfile(2), where the sanitizer delivers no signal";
  }
  root().WriteZeroes("large", kLarge);
  StartServer({"--drain_timeout=500ms"});
  Peer peer = StartDownload();
  server().Signal(SIGTERM);
  ExpectCleanExit();
  EXPECT_TRUE(absl::StrContains(server().log(), "--drain_timeout has passed"));
}

TEST_F(StopTest, ClientThatNeverFinishesItsUploadIsWaitedForNoLongerThanTheDrainTimeout) {
  StartServer({"--drain_timeout=500ms"});
  Peer peer = Connect("file");
  peer.Send("P a 10\nhalf");
  server().SignalAndAwaitDelivery(SIGTERM);
  ExpectCleanExit();
  EXPECT_TRUE(root().Names().empty());
}

TEST_F(StopTest, KilledServerLeavesNoProcessBehind) {
  root().WriteZeroes("large", kLarge);
  StartServer();
  Peer idle = Connect("echo");
  idle.Send("ping");
  EXPECT_EQ(idle.Read(4), "ping");
  std::vector<Peer> busy;
  if (can().keeps_clients_apart) busy.push_back(StartDownload());
  server().Signal(SIGKILL);
  EXPECT_EQ(server().AwaitExit(), 128 + SIGKILL);
  EXPECT_TRUE(Eventually([this] { return server().processes().empty(); }));
  EXPECT_TRUE(idle.AwaitClose());
}

// A stopped process answers no signal until it goes on, except SIGKILL, which is why the death of the parent has to
// send that one (PR_SET_PDEATHSIG, prctl(2)).
TEST_F(StopTest, KilledServerLeavesNoStoppedProcessBehind) {
  StartServer();
  Peer idle = Connect("echo");
  EXPECT_TRUE(IsServed(idle));
  AwaitQuiet();
  StopDescendants();
  server().Signal(SIGKILL);
  EXPECT_EQ(server().AwaitExit(), 128 + SIGKILL);
  EXPECT_TRUE(Eventually([this] { return server().processes().empty(); }));
  EXPECT_TRUE(Eventually([this] { return Refuses(); }));  // A ring lets go of its listeners a little later.
}

TEST_F(StopTest, StoppedProcessIsWaitedForNoLongerThanTheDrainTimeout) {
  StartServer({"--drain_timeout=500ms"});
  Peer idle = Connect("echo");
  EXPECT_TRUE(IsServed(idle));
  AwaitQuiet();
  StopDescendants();
  server().Signal(SIGTERM);
  ExpectCleanExit();
  EXPECT_TRUE(Eventually([this] { return Refuses(); }));
}

TEST_F(StopTest, ServerOfDatagramsAloneEndsAtOnce) {
  StartServer({kPatientDrain, "--listen=echo+udp://127.0.0.1:0,tftp+udp://127.0.0.1:0"});
  server().Signal(SIGTERM);
  ExpectCleanExit();
}

TEST_F(StopTest, SignalsAreAnsweredWhileAClientIsServed) {
  const Scratch logs;
  StartServer({absl::StrCat("--access_log=", logs.path(), "/log")});
  Peer peer = Connect("echo");
  EXPECT_TRUE(IsServed(peer));
  server().Signal(SIGUSR1);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "statistics: accepted 1, "); }));
  server().Signal(SIGHUP);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "SIGHUP: "); }));
  EXPECT_TRUE(IsServed(peer));
}

TEST_F(StopTest, ReportIsPrintedOnSignal) {
  StartServer();
  ExpectServesOthers();
  server().Signal(SIGUSR1);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "statistics: accepted 1, "); }));
  ExpectServesOthers();
}

TEST_F(StopTest, HangUpEndsNothing) {
  StartServer();
  Peer peer = Connect("echo");
  peer.Send("ping");
  EXPECT_EQ(peer.Read(4), "ping");
  server().SignalAndAwaitDelivery(SIGHUP);
  for (const pid_t process : server().processes()) ::kill(process, SIGHUP);  // As a terminal that closes does.
  peer.Send("ping");
  EXPECT_EQ(peer.Read(4), "ping");
}

TEST_F(StopTest, ClosedOutputEndsNothing) {
  StartServer();
  server().CloseOutput();
  server().Signal(SIGUSR1);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "statistics: "); }));
  ExpectServesOthers();
}

}  // namespace

}  // namespace polyserve
