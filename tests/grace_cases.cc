// A stop loses no request: http announces it to clients in their next reply, connections without a request under way
// have a grace, and all that are in the queue are served, however few places or descriptors there are.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/at_once.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/scratch.h"

namespace polyserve {

namespace {

using ::testing::IsEmpty;

// If this passes, the test has failed.
constexpr char kPatientDrain[] = "--drain_timeout=10m";

// For the cases in which nothing is asked any more. Else the grace is a second.
constexpr char kShortGrace[] = "--stop_grace=100ms";
constexpr absl::Duration kWellWithinTheGrace = absl::Milliseconds(500);

constexpr char kContent[] = "content";
constexpr char kGet[] = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct HttpAnswer {
  bool is_whole = false;
  bool is_last = false;  // It says that the connection is closed behind it.
};

HttpAnswer ReadHttpAnswer(Peer& peer) {
  HttpAnswer answer;
  size_t length = 0;
  std::string line = peer.ReadLine();
  if (!absl::StartsWith(line, "HTTP/1.1 200 ")) return answer;
  while (!line.empty() && line != "\r\n") {
    absl::string_view value = line;
    if (absl::ConsumePrefix(&value, "Content-Length: ") && !absl::SimpleAtoi(value, &length)) return answer;
    answer.is_last = answer.is_last || line == "Connection: close\r\n";
    line = peer.ReadLine();
  }
  answer.is_whole = !line.empty() && peer.Read(length) == kContent;
  return answer;
}

struct Tally {
  absl::Time stopped_at = absl::InfiniteFuture();
  std::atomic<int> connected{0};
  std::atomic<int> answered{0};
  std::atomic<int> told{0};

  // Why each request was lost, for the reader of the failure.
  std::vector<std::string> lost() {
    const std::lock_guard lock(mutex_);
    return lost_;
  }
  void Lose(std::string why) {
    const std::lock_guard lock(mutex_);
    lost_.push_back(std::move(why));
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lost_;
};

// A client that asks again and again, and connects anew after a reply that is the last one, until it is refused.
void AskUntilRefused(const std::string& address, Tally& tally) {
  while (true) {
    Peer peer(address);
    if (!peer.connected()) return;
    ++tally.connected;
    const absl::Time connected_at = absl::Now();
    int asked = 1;
    HttpAnswer answer = peer.Send(kGet) ? ReadHttpAnswer(peer) : HttpAnswer();
    while (answer.is_whole && !answer.is_last) {
      ++asked;
      ++tally.answered;
      answer = peer.Send(kGet) ? ReadHttpAnswer(peer) : HttpAnswer();
    }
    if (answer.is_whole) {
      ++tally.answered;
    } else {
      // A reset is the worst of these: it may destroy a reply that the client has not read yet (RFC 9112, section 9.6).
      const char* how = peer.was_reset() ? "reset" : peer.was_closed() ? "closed" : "not answered in time";
      tally.Lose(absl::StrCat(how, " at request ", asked, " of a connection made ",
                              absl::FormatDuration(connected_at - tally.stopped_at), " after the stop"));
    }
    if (answer.is_last) ++tally.told;
  }
}

// The peer has sent a request: true if that is answered, and each further one, up to a reply that says that it is the
// last, and if the connection is closed behind that.
bool AskUntilTold(Peer& peer) {
  HttpAnswer answer = ReadHttpAnswer(peer);
  while (answer.is_whole && !answer.is_last && peer.Send(kGet)) answer = ReadHttpAnswer(peer);
  return answer.is_whole && answer.is_last && peer.ReadToEnd().empty();
}

class GraceTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    root().Write("a", kContent);
  }

  // A stopped process cannot accept, so all clients that connect meanwhile are surely in the queue when the stop comes.
  std::vector<Peer> QueueUpAndStop(int count, absl::string_view service, absl::string_view request) {
    server().Signal(SIGSTOP);
    EXPECT_TRUE(Eventually([this] { return IsStopped(server().pid()); }));
    std::vector<Peer> peers;
    for (int i = 0; i < count; ++i) {
      peers.push_back(Connect(service));
      EXPECT_TRUE(peers.back().Send(request));
    }
    server().Signal(SIGTERM);
    server().Signal(SIGCONT);
    return peers;
  }
};

TEST_F(GraceTest, RestlessClientsLoseNoRequest) {
  constexpr int kClients = 24;
  StartServer({kPatientDrain});
  Tally tally;
  std::thread stopper([this, &tally] {
    // In the middle of the traffic: each client has a request under way, or one that is just arriving.
    EXPECT_TRUE(Eventually([&tally] { return tally.answered > 10 * kClients; }));
    tally.stopped_at = absl::Now();
    server().Signal(SIGTERM);
  });
  RunAtOnce(kClients, [&](int) { AskUntilRefused(server().address("http"), tally); });
  stopper.join();
  EXPECT_THAT(tally.lost(), IsEmpty());
  EXPECT_EQ(tally.told, tally.connected) << "each connection ends with a reply that says so";
  ExpectCleanExit();
}

// All ask at once, so that if there is only one place, each gets it while the others' requests wait.
TEST_F(GraceTest, FreshAndIdleConnectionsThatAskAfterTheStopAreServed) {
  // The grace is in real time. If a busy machine lets it pass before the requests are sent, the round shows nothing,
  // and another one is made.
  for (bool was_in_time = false; !was_in_time;) {
    StartServer({kPatientDrain});
    Peer idle = Connect("http");
    EXPECT_TRUE(idle.Send(kGet) && ReadHttpAnswer(idle).is_whole);
    std::vector<Peer> peers;
    for (int i = 0; i < 3; ++i) peers.push_back(Connect("http"));
    peers.push_back(std::move(idle));
    Peer echo = Connect("echo");
    const absl::Time told = absl::Now();
    server().SignalAndAwaitDelivery(SIGTERM);
    bool is_sent = echo.Send("ping");
    for (Peer& peer : peers) is_sent = peer.Send(kGet) && is_sent;
    was_in_time = absl::Now() - told < kWellWithinTheGrace;
    if (!was_in_time) continue;  // The machine has kept us waiting; the server need not have.
    EXPECT_TRUE(is_sent);
    for (Peer& peer : peers) EXPECT_TRUE(AskUntilTold(peer));
    EXPECT_EQ(echo.Read(4), "ping");
    EXPECT_EQ(echo.ReadToEnd(), "");
    peers.clear();  // The server waits for its peers to close, too.
    echo = Peer("");
    ExpectCleanExit();
  }
}

// On a busy machine a handshake takes its time. Here the kernel takes no connection for made until data has come
// (TCP_DEFER_ACCEPT, see tcp(7)), although the client has been told that it is connected.
TEST_F(GraceTest, WhoIsJustConnectingIsServed) {
  for (bool was_in_time = false; !was_in_time;) {
    StartServer({kPatientDrain});
    std::vector<UniqueFd> listeners = ListenersOf(server().pid(), server().address("http"));
    ASSERT_FALSE(listeners.empty());
    const int seconds = 60;
    for (const UniqueFd& listener : listeners) {
      ASSERT_EQ(::setsockopt(listener.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)), 0);
    }
    // A listener that this process holds would stay open when the server closes its own.
    listeners.clear();
    std::vector<Peer> peers;
    for (int i = 0; i < 8; ++i) peers.push_back(Connect("http"));
    const absl::Time told = absl::Now();
    server().SignalAndAwaitDelivery(SIGTERM);
    for (Peer& peer : peers) EXPECT_TRUE(peer.Send(kGet));
    was_in_time = absl::Now() - told < kWellWithinTheGrace;
    int answered = 0;
    for (Peer& peer : peers) answered += AskUntilTold(peer);
    if (!was_in_time) continue;
    EXPECT_EQ(answered, peers.size());
    peers.clear();
    ExpectCleanExit();
  }
}

TEST_F(GraceTest, OfRequestsThatComeTogetherTheLastReplySaysClose) {
  StartServer({kPatientDrain});
  Peer peer = Connect("http");
  EXPECT_TRUE(peer.Send(kGet) && ReadHttpAnswer(peer).is_whole);
  server().Signal(SIGTERM);
  HttpAnswer answers[3];
  do {  // The stop may not have reached its process yet.
    ASSERT_TRUE(peer.Send(absl::StrCat(kGet, kGet, kGet)));
    for (HttpAnswer& answer : answers) answer = ReadHttpAnswer(peer);
  } while (answers[2].is_whole && !answers[2].is_last);
  for (const HttpAnswer& answer : answers) EXPECT_TRUE(answer.is_whole);
  EXPECT_FALSE(answers[0].is_last || answers[1].is_last);
  EXPECT_EQ(peer.ReadToEnd(), "");
  peer = Peer("");  // The server waits for its peers to close, too.
  ExpectCleanExit();
}

TEST_F(GraceTest, UploadUnderWayIsFinished) {
  StartServer({kPatientDrain, kShortGrace});
  Peer peer = Connect("http");
  EXPECT_TRUE(peer.Send("PUT /b HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n"));
  EXPECT_EQ(peer.ReadLine(), "HTTP/1.1 100 Continue\r\n");
  EXPECT_EQ(peer.ReadLine(), "\r\n");
  server().SignalAndAwaitDelivery(SIGTERM);
  EXPECT_TRUE(peer.Send("second"));
  EXPECT_TRUE(absl::StartsWith(peer.ReadToEnd(), "HTTP/1.1 201 "));
  EXPECT_EQ(root().Read("b"), "second");
  ExpectCleanExit();
}

TEST_F(GraceTest, SilentConnectionsAreClosedInTheEnd) {
  StartServer({kPatientDrain, kShortGrace});
  std::vector<Peer> silent;
  for (const absl::string_view service : {"http", "echo", "file", "message"}) silent.push_back(Connect(service));
  server().Signal(SIGTERM);
  for (Peer& peer : silent) EXPECT_EQ(peer.ReadToEnd(), "");
  ExpectCleanExit();
}

TEST_F(GraceTest, AllOfTheQueueAreServedAsPlacesBecomeFree) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: there is but one place";
  if (!can().bounds_connections) GTEST_SKIP() << "refused: --max_connections does not go with it";
  StartServer({kPatientDrain, "--max_connections=3"});
  ExpectServesOthers();
  std::vector<Peer> peers = QueueUpAndStop(40, "http", kGet);
  std::atomic<int> answered{0};
  RunAtOnce(static_cast<int>(peers.size()), [&](int i) {
    Peer peer = std::move(peers[static_cast<size_t>(i)]);
    if (ReadHttpAnswer(peer).is_whole) ++answered;
  });
  EXPECT_EQ(answered, 40);
  ExpectCleanExit();
}

TEST_F(GraceTest, QueuesOfAllServicesAreServedHoweverShort) {
  StartServer({kPatientDrain, "--listen_backlog=1"});
  server().Signal(SIGSTOP);
  EXPECT_TRUE(Eventually([this] { return IsStopped(server().pid()); }));
  std::vector<Peer> echo;
  std::vector<Peer> http;
  for (int i = 0; i < 2; ++i) {  // One more than the backlog is what a queue holds.
    echo.push_back(Connect("echo"));
    EXPECT_TRUE(echo.back().Send("ping"));
    echo.back().HalfClose();
    http.push_back(Connect("http"));
    EXPECT_TRUE(http.back().Send(kGet));
  }
  server().Signal(SIGTERM);
  server().Signal(SIGCONT);
  for (Peer& peer : echo) EXPECT_EQ(peer.ReadToEnd(), "ping");
  for (Peer& peer : http) EXPECT_TRUE(ReadHttpAnswer(peer).is_whole);
  ExpectCleanExit();
}

TEST_F(GraceTest, DownloadsGoOnWhileDescriptorsAreShortForTheQueue) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: it needs a descriptor for one client alone";
  if (can().pooled) GTEST_SKIP() << "by design: whoever finds no worker waits, and takes no descriptor";
  if (kChecksPointers) GTEST_SKIP() << "the sanitizer itself needs descriptors (a pipe to look at an object's type)";
  constexpr size_t kLarge = 24 << 20;
  constexpr rlim_t kMoreThanUsual = 16;
  root().WriteZeroes("large", kLarge);
  StartServer();
  NoteFootprint();
  const rlim_t most = usual_descriptors() + kMoreThanUsual;
  StartServer({.flags = {"--drain_timeout=6s", kShortGrace}, .before_exec = [most] {
                 const rlimit few = {most, most};
                 ::setrlimit(RLIMIT_NOFILE, &few);
               }});
  Peer download = Connect("file");
  download.Send("G large\n");
  EXPECT_EQ(download.ReadLine(), absl::StrCat("OK ", kLarge, "\n"));
  const std::vector<Peer> queue = QueueUpAndStop(90, "echo", "");  // A pause for each of them would take 7 seconds.
  EXPECT_EQ(download.Read(kLarge).size(), kLarge);
  ExpectCleanExit();
}

}  // namespace

}  // namespace polyserve
