// What one client may take of a server: connections of its address, requests, time. Each bound holds over all processes
// of a model, is counted, and hinders nobody else.
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/file_talk.h"
#include "tests/peer.h"
#include "tests/scratch.h"
#include "tests/tftp_peer.h"

namespace polyserve {

namespace {

constexpr absl::string_view kGet = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr absl::string_view kLast = "GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

class BoundTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    root().Write("a", "hello");
  }

  // How often the bound of this name was met, as the server counts. Asks again while it is refused itself.
  int CountOf(absl::string_view bound) {
    const std::string line = absl::StrCat("\npolyserve_bounds_total{bound=\"", bound, "\"} ");
    int count = -1;
    EXPECT_TRUE(Eventually([&] {
      Peer peer(server().address("http"));
      peer.Send("GET /-/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      const std::string page = peer.ReadToEnd();
      const size_t at = page.find(line);
      if (at == std::string::npos) return false;
      const absl::string_view rest = absl::string_view(page).substr(at + line.size());
      return absl::SimpleAtoi(rest.substr(0, rest.find('\n')), &count);
    }));
    return count;
  }

  // The reply to kGet on a connection that stays: its head, and the 5 bytes of content behind it.
  static std::string ReadHello(Peer& peer) {
    std::string reply;
    while (!absl::EndsWith(reply, "\r\n\r\n")) {
      const std::string line = peer.ReadLine();
      if (line.empty()) return absl::StrCat("(cut off) ", reply);
      reply += line;
    }
    return reply + peer.Read(5);
  }

  void ExpectGetIsServed() {
    Peer peer = Connect("http");
    peer.Send(kLast);
    const std::string reply = peer.ReadToEnd();
    EXPECT_TRUE(absl::EndsWith(reply, "\r\n\r\nhello")) << reply;
  }
};

TEST_F(BoundTest, AddressHasItsConnectionsAndNoMore) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: one client at a time";
  StartServer({"--max_connections_per_address=2"});
  std::vector<Peer> peers;
  for (int i = 0; i < 2; ++i) {
    peers.push_back(Connect("echo"));
    EXPECT_TRUE(IsServed(peers.back()));
  }
  for (const absl::string_view service : {"echo", "http", "file"}) {
    Peer refused = Connect(service);
    EXPECT_TRUE(refused.AwaitClose()) << service;
  }
  for (Peer& peer : peers) EXPECT_TRUE(IsServed(peer));
  peers.pop_back();
  EXPECT_TRUE(Eventually([this] {  // It may see the new one before it sees that the other has left.
    Peer peer(server().address("echo"));
    return IsServed(peer);
  }));
  EXPECT_GE(CountOf("max_connections_per_address"), 3);
}

TEST_F(BoundTest, ConnectionsOfThoseWhoAreKilledCountNoMore) {
  if (can().shares_memory) GTEST_SKIP() << "by design: all clients are in one process";
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: a client may wait for another one";
  StartServer({"--max_connections_per_address=2"});
  for (int round = 0; round < 3; ++round) {
    std::vector<Peer> peers;
    EXPECT_TRUE(Eventually([&] {
      peers.clear();
      for (int i = 0; i < 2; ++i) peers.emplace_back(server().address("echo"));
      return IsServed(peers[0]) && IsServed(peers[1]);
    }));
    for (const pid_t process : server().processes()) {
      if (process != server().pid()) ::kill(process, SIGKILL);
    }
    for (Peer& peer : peers) EXPECT_TRUE(peer.AwaitClose());
  }
}

// Its system would answer nothing if it had crashed, and resets if it has started again, as here.
TEST_F(BoundTest, PeerThatIsGoneWithoutAWordDoesNotStayForEver) {
  StartServer({"--idle_timeout=inf", "--tcp_keep_alive=1s"});
  Peer peer = Connect("echo");
  EXPECT_TRUE(IsServed(peer));
  if (!peer.Vanish()) GTEST_SKIP() << "only root can do that";
  EXPECT_TRUE(Eventually([this] {
    server().Signal(SIGUSR1);
    return absl::StrContains(server().log(), "accepted 1, active 0, ");
  }));
  ExpectServesOthers();
}

TEST_F(BoundTest, LastRequestOfAConnectionIsAnnounced) {
  StartServer({"--max_requests_per_connection=3"});
  Peer peer = Connect("http");
  for (int i = 0; i < 2; ++i) {
    peer.Send(kGet);
    EXPECT_FALSE(absl::StrContains(ReadHello(peer), "Connection: "));
  }
  peer.Send(kGet);
  EXPECT_TRUE(absl::StrContains(ReadHello(peer), "\r\nConnection: close\r\n"));
  EXPECT_TRUE(peer.AwaitClose());
  ExpectGetIsServed();
  EXPECT_EQ(CountOf("max_requests_per_connection"), 1);
}

TEST_F(BoundTest, SilenceBetweenTwoRequestsHasALimitOfItsOwn) {
  StartServer({"--idle_timeout=inf", "--keep_alive_timeout=200ms"});
  Peer peer = Connect("http");
  for (int i = 0; i < 3; ++i) {
    peer.Send(kGet);
    EXPECT_TRUE(absl::EndsWith(ReadHello(peer), "hello"));
  }
  EXPECT_EQ(peer.ReadToEnd(), "");
  EXPECT_TRUE(peer.was_closed());
  EXPECT_EQ(CountOf("keep_alive_timeout"), 1);
}

// A client that has just connected may have done so in advance. What has no requests at all has its own limit.
TEST_F(BoundTest, SilenceElsewhereIsNoneBetweenTwoRequests) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: one client at a time";
  StartServer({"--keep_alive_timeout=100ms"});
  Peer fresh = Connect("http");
  Peer echo = Connect("echo");
  EXPECT_TRUE(IsServed(echo));
  Peer idle = Connect("http");
  idle.Send(kGet);
  ReadHello(idle);
  EXPECT_TRUE(idle.AwaitClose());  // By now, so would the others be.
  EXPECT_TRUE(IsServed(echo));
  fresh.Send(kLast);
  EXPECT_TRUE(absl::EndsWith(fresh.ReadToEnd(), "hello"));
}

// One after the other, each perhaps in another process.
TEST_F(BoundTest, AddressThatAsksTooOftenIsToldWhenToComeAgain) {
  constexpr int kAsked = 30;
  StartServer({"--rate_per_address=2"});
  int refused = 0;
  for (int i = 0; i < kAsked; ++i) {
    Peer peer = Connect("http");
    peer.Send(kLast);
    const std::string reply = peer.ReadToEnd();
    if (absl::EndsWith(reply, "\r\n\r\nhello")) continue;
    EXPECT_TRUE(absl::StartsWith(reply, "HTTP/1.1 429 ")) << reply;
    EXPECT_TRUE(absl::StrContains(reply, "\r\nRetry-After: 1\r\n")) << reply;
    ++refused;
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, kAsked);
  EXPECT_GE(CountOf("rate_per_address"), refused);  // And those that have asked for the count.
  EXPECT_TRUE(Eventually([this] {
    Peer peer(server().address("http"));
    peer.Send(kLast);
    return absl::EndsWith(peer.ReadToEnd(), "\r\n\r\nhello");
  }));
}

// The address has one rate for both services.
TEST_F(BoundTest, CommandsOfFileCountAgainstTheRateOfTheirAddress) {
  constexpr int kAsked = 30;
  StartServer({"--rate_per_address=2"});
  int refused = 0;
  {
    Peer peer = Connect("file");
    for (int i = 0; i < kAsked; ++i) {
      peer.Send("S a\n");
      const std::string reply = peer.ReadLine();
      if (absl::StartsWith(reply, "OK 5 ")) continue;
      EXPECT_EQ(reply, "ERR 429 too many commands from this address\n");
      ++refused;
    }
    peer.Send("Q\n");
    EXPECT_TRUE(peer.AwaitClose());
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, kAsked);
  EXPECT_GE(CountOf("rate_per_address"), refused);
}

TEST_F(BoundTest, UploadsBeyondTheQuotaAreRefusedOverEveryService) {
  const std::string large(900, 'x');
  ServeAlso("tftp+udp");
  StartServer({"--library_quota=1000", "--tftp_writes"});
  const auto put = [&](absl::string_view name, absl::string_view content) {
    Peer peer(server().address("http"));
    peer.Send(absl::StrCat("PUT /", name, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ",
                           content.size(), "\r\n\r\n", content));
    return peer.ReadToEnd().substr(0, 12);
  };
  EXPECT_EQ(put("b", large), "HTTP/1.1 201");
  EXPECT_EQ(put("c", large), "HTTP/1.1 507");
  EXPECT_EQ(put("b", large), "HTTP/1.1 204");  // It makes room for itself.
  {
    Peer peer = Connect("file");
    EXPECT_EQ(Put(peer, "c", large).code(), "ERR 507");
    EXPECT_EQ(Get(peer, "a").body, "hello");
  }
  TftpPeer tftp(server().address("tftp+udp"));
  tftp.Send(TftpPacketOf("WRQ c octet"));
  std::string answer = DescribeTftpPacket(tftp.Receive().value_or(""));
  if (answer == "ACK 0") {
    tftp.Send(TftpPacketOf(absl::StrCat("DATA 1 ", large.substr(0, 512))));
    answer = DescribeTftpPacket(tftp.Receive().value_or(""));
  }
  EXPECT_TRUE(absl::StartsWith(answer, "ERROR 3 ")) << answer;
  EXPECT_GE(CountOf("library_quota"), 3);
  // The operator makes room.
  root().Write("b", "");
  server().SignalAndAwaitDelivery(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return put("c", large) == "HTTP/1.1 201"; }));
}

class CrowdedPoolTest : public BoundTest {
 protected:
  void SetUp() override {
    BoundTest::SetUp();
    if (!can().pooled) GTEST_SKIP() << "no client waits for another one to leave";
    if (has_flag("--accept=pass") && !can().shares_memory) GTEST_SKIP() << "by design; see docs/models.md";
  }

  // Serves this many clients at once.
  void StartPool(int clients) {
    std::vector<std::string> flags = {absl::StrCat("--workers=", clients), "--idle_timeout=inf"};
    if (takes_flag("threads")) flags.emplace_back("--threads=1");
    StartServer(flags);
  }
};

TEST_F(CrowdedPoolTest, IdleClientsThatMayComeAgainKeepNobodyOut) {
  StartPool(2);
  std::vector<Peer> peers;
  for (int i = 0; i < 2; ++i) {
    peers.push_back(Connect("http"));
    peers.back().Send(kGet);
    EXPECT_TRUE(absl::EndsWith(ReadHello(peers.back()), "hello"));
  }
  ExpectGetIsServed();
  EXPECT_GE(CountOf("gave_way"), 1);
}

TEST_F(CrowdedPoolTest, BusyClientIsToldThatItsReplyIsTheLast) {
  StartPool(1);
  Peer busy = Connect("http");
  busy.Send(kGet);
  ReadHello(busy);
  Peer next = Connect("http");
  next.Send(kLast);
  std::string reply;
  EXPECT_TRUE(Eventually([&] {
    busy.Send(kGet);
    reply = ReadHello(busy);
    // On a very slow machine it may have seemed idle.
    return absl::StrContains(reply, "\r\nConnection: close\r\n") || busy.was_closed();
  })) << reply;
  EXPECT_TRUE(busy.AwaitClose());
  EXPECT_TRUE(absl::EndsWith(next.ReadToEnd(), "\r\n\r\nhello"));
}

// Those of other protocols would lose something, or could not know that they may come again.
TEST_F(CrowdedPoolTest, ClientsOfOtherServicesStay) {
  StartPool(1);
  Peer file = Connect("file");
  EXPECT_EQ(Get(file, "a").body, "hello");
  Peer waits = Connect("http");
  waits.Send(kLast);
  absl::SleepFor(absl::Milliseconds(500));  // A window in which a connection of http would have been closed.
  EXPECT_EQ(Get(file, "a").body, "hello");
  file.HalfClose();
  EXPECT_TRUE(absl::EndsWith(waits.ReadToEnd(), "\r\n\r\nhello"));
}

// Very many clients that hold their connections by doing little.
class CrowdOfSlowTest : public BoundTest {
 protected:
  void SetUp() override {
    BoundTest::SetUp();
    if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: one client at a time";
    if (can().pooled) GTEST_SKIP() << "by design: as many clients at a time as there are workers";
    // In the server, which inherits the limit: a socket and a file for each.
    rlimit limit;
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_cur < 2 * kMost + 200) GTEST_SKIP() << "this system does not let us have so many descriptors";
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }

  static constexpr rlim_t kMost = 1000;
  // A thousand processes take long, and tell nothing new.
  static int clients() {
    if (has_process_per_client()) return 100;
    // Each may need two of the descriptors that the model can watch.
    return can().max_clients > 0 ? can().max_clients / 2 - 100 : static_cast<int>(kMost);
  }
};

// "Slowloris": each sends a byte of a head now and then, and so is never silent.
TEST_F(CrowdOfSlowTest, ThatSendsHeadsByteByByteKeepsNobodyOut) {
  constexpr int kRounds = 10;
  StartServer({"--request_timeout=3s"});
  std::vector<Peer> peers;
  for (int i = 0; i < clients(); ++i) {
    peers.push_back(Connect("http"));
    peers.back().Send("GET /");
  }
  for (int round = 0; round < kRounds; ++round) {
    for (Peer& peer : peers) peer.Send("x");  // Until the server has had enough of it.
    ExpectGetIsServed();
  }
  for (Peer& peer : peers) EXPECT_TRUE(peer.AwaitClose());
  EXPECT_EQ(CountOf("request_timeout"), clients());
}

TEST_F(CrowdOfSlowTest, ThatDoesNotReadKeepsNobodyOut) {
  constexpr int kLittle = 4096;
  root().WriteZeroes("large", 1 << 20);
  StartServer({absl::StrCat("--socket_buffer=", 2 * kLittle), "--min_rate=100000", "--min_rate_window=1s"});
  std::vector<Peer> peers;
  for (int i = 0; i < clients(); ++i) {
    peers.emplace_back(server().address("http"), kLittle);
    peers.back().Send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    if (i % 100 == 0) ExpectGetIsServed();
  }
  ExpectGetIsServed();
  // None of them reads, so all are cut off.
  EXPECT_TRUE(Eventually([this] { return CountOf("min_rate") == clients(); })) << CountOf("min_rate");
}

}  // namespace

}  // namespace polyserve
