// TLS around every service, under every model: what works in the clear works encrypted, within the same bounds, and the
// certificates are the same in all processes.
#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/tls/test_certificate.h"
#include "protocol/tls/test_client.h"
#include "tests/chat_test.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/scratch.h"
#include "tests/server_process.h"
#include "tests/tls_peer.h"

namespace polyserve {

namespace {

class TlsTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    WriteCertificate(MakeTestCertificate("localhost"));
  }

  void WriteCertificate(const TestCertificate& made) {
    certificate_ = made;
    files_.Write("cert.pem", made.certificate);
    files_.Write("key.pem", made.key);
  }

  // Starts a server of this service over TLS, beside the usual ones.
  void Start(absl::string_view service, std::vector<std::string> flags = {}) {
    service_ = absl::StrCat(service, "+tls");
    ServeAlso(service_);
    flags.push_back(absl::StrCat("--tls_cert=", files_.PathOf("cert.pem")));
    flags.push_back(absl::StrCat("--tls_key=", files_.PathOf("key.pem")));
    StartServer(std::move(flags));
  }

  std::string address() { return server().address(service_); }
  // A client that trusts the server's certificate alone.
  TlsTestClient::Options Trusting() const { return {.trusts = certificate_.certificate}; }
  TlsPeer ConnectTls() { return TlsPeer(address(), Trusting()); }

  void ExpectServesOthersOverTls() {
    TlsPeer peer = ConnectTls();
    peer.Send("ping");
    EXPECT_EQ(peer.Read(4), "ping") << peer.tls().failure();
  }

  const Scratch& files() const { return files_; }

 private:
  Scratch files_;
  TestCertificate certificate_;
  std::string service_;
};

TEST_F(TlsTest, MegabytesComeBackInOrder) {
  Start("echo");
  const std::string bytes = RandomBytes(4 << 20, 1);
  constexpr size_t kAtOnce = 64 * 1024;  // What the server holds while this client does not read.
  TlsPeer peer = ConnectTls();
  std::string echoed;
  for (size_t at = 0; at < bytes.size(); at += kAtOnce) {
    peer.Send(absl::string_view(bytes).substr(at, kAtOnce));
    echoed += peer.Read(kAtOnce);
  }
  EXPECT_EQ(Sha256(echoed), Sha256(bytes)) << peer.tls().failure();
  peer.SendEnd();
  EXPECT_EQ(peer.ReadToEnd(), "");
  EXPECT_TRUE(peer.tls().has_heard_end());
}

TEST_F(TlsTest, LinesAreAnsweredAndWorkIsDone) {
  Start("compute");
  TlsPeer peer = ConnectTls();
  peer.Send("PRIMES 100000\nPRIMES 10\nrubbish\nPRIMES 11\n");
  EXPECT_EQ(peer.ReadLine(), "OK 454396537\n");
  EXPECT_EQ(peer.ReadLine(), "OK 17\n");
  EXPECT_TRUE(absl::StartsWith(peer.ReadLine(), "ERR "));
  EXPECT_EQ(peer.ReadLine(), "OK 17\n");
}

TEST_F(TlsTest, FilesGoUpAndDown) {
  Start("file");
  const std::string bytes = RandomBytes(3 << 20, 2);
  TlsPeer peer = ConnectTls();
  peer.Send(absl::StrCat("P a ", bytes.size(), "\n", bytes));
  EXPECT_EQ(peer.ReadLine(), "OK 0\n");
  EXPECT_EQ(Sha256(root().Read("a")), Sha256(bytes));
  peer.Send("G a\nR a 1 3\nG none\nQ\n");
  EXPECT_EQ(peer.ReadLine(), absl::StrCat("OK ", bytes.size(), "\n"));
  EXPECT_EQ(Sha256(peer.Read(bytes.size())), Sha256(bytes));
  EXPECT_EQ(peer.ReadToEnd(), absl::StrCat("OK 3\n", bytes.substr(1, 3), "ERR 404 there is no such file\n"));
  EXPECT_TRUE(peer.tls().has_heard_end());
}

TEST_F(TlsTest, HttpIsServed) {
  Start("http");
  root().Write("a.txt", "hello");
  TlsTestClient::Options browser = Trusting();
  browser.alpn = "\x02h2\x08http/1.1";
  TlsPeer peer(address(), browser);
  EXPECT_EQ(peer.tls().alpn(), "http/1.1");
  peer.Send(
      "GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: localhost\r\nConnection: "
      "close\r\n\r\n");
  const std::string replies = peer.ReadToEnd();
  EXPECT_TRUE(absl::StartsWith(replies, "HTTP/1.1 200 OK\r\n")) << replies;
  EXPECT_TRUE(absl::EndsWith(replies, "\r\n\r\nhello")) << replies;
  EXPECT_TRUE(peer.tls().has_heard_end());
}

TEST_F(TlsTest, HttpInTheClearIsToldToUseHttps) {
  Start("http");
  Peer peer(address());
  peer.Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(absl::StrContains(peer.ReadToEnd(), "use https://"));
  EXPECT_TRUE(peer.was_closed());
}

// Without a limit of time: nothing else ends these connections.
TEST_F(TlsTest, PeerThatSpeaksNoTlsIsRefusedAtItsFirstByte) {
  const std::vector<std::string> services = {"message+tls", "compute+tls",       "file+tls",
                                             "http+tls",    "file-unframed+tls", "chat+tls"};
  for (const std::string& service : services) ServeAlso(service);
  Start("echo", {"--request_timeout=inf", "--idle_timeout=inf"});
  for (const std::string& service : services) {
    Peer peer(server().address(service));
    peer.Send("A");
    EXPECT_EQ(peer.ReadToEnd(), "") << service;
    EXPECT_TRUE(peer.was_closed()) << service;
  }
  Peer peer(address());
  peer.Send("GE");  // It may become a request of HTTP;
  peer.Send("\n");  // now it cannot.
  EXPECT_EQ(peer.ReadToEnd(), "");
  EXPECT_TRUE(peer.was_closed());
  ExpectServesOthersOverTls();
}

TEST_F(TlsTest, MembersOfTheRoomHearEachOther) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: a member that stays may keep the others out";
  Start("chat");
  TlsPeer ada = ConnectTls();
  ada.Send("L ada\n");
  EXPECT_EQ(ada.ReadLine(), "OK\n");
  TlsPeer bob = ConnectTls();
  bob.Send("L bob\n");
  EXPECT_EQ(bob.ReadLine(), "OK\n");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  ada.Send("C ada hello\n");
  EXPECT_EQ(bob.ReadLine(), Saying("ada", "hello"));
  bob.Send("E bob\n");
  EXPECT_EQ(bob.ReadToEnd(), "EXIT\n");
  EXPECT_TRUE(bob.tls().has_heard_end()) << bob.tls().failure();
  EXPECT_EQ(ada.ReadLine(), Departure("bob"));
  server().Signal(SIGTERM);
  EXPECT_EQ(ada.ReadToEnd(), "");
  EXPECT_TRUE(ada.tls().has_heard_end()) << "the server ends it in good order; " << ada.tls().failure();
  ExpectCleanExit();
}

TEST_F(TlsTest, LargeFileCostsNoMemory) {
  constexpr int64_t kBytes = 96 << 20;
  constexpr int64_t kAllowance = 16 << 20;  // Far less than the file, far more than a connection takes.
  Start("file");
  root().WriteZeroes("large", kBytes);
  root().Write("small", "x");
  const auto get = [this](const std::string& name, int64_t size) {
    TlsPeer peer = ConnectTls();
    peer.Send(absl::StrCat("G ", name, "\nQ\n"));
    EXPECT_EQ(peer.ReadLine(), absl::StrCat("OK ", size, "\n"));
    EXPECT_EQ(static_cast<int64_t>(peer.ReadToEnd().size()), size) << peer.tls().failure();
  };
  get("small", 1);
  const int64_t usual = server().PeakMemoryBytes();
  get("large", kBytes);
  if (kSanitized) return;  // A sanitizer's memory is no measure.
  EXPECT_LT(server().PeakMemoryBytes(), usual + kAllowance);
}

TEST_F(TlsTest, SessionsAreResumedByAnyWorker) {
  Start("echo");
  TlsPeer first = ConnectTls();
  first.Send("x");
  EXPECT_EQ(first.Read(1), "x");
  TlsTestClient::Options options = Trusting();
  options.session = first.tls().session();
  first.SendEnd();
  first.ReadToEnd();
  for (int i = 0; i < 12; ++i) {
    TlsPeer again(address(), options);
    again.Send("y");
    EXPECT_EQ(again.Read(1), "y") << again.tls().failure();
    EXPECT_TRUE(again.tls().was_resumed()) << i;
  }
  // All processes count in the same place.
  Peer watcher(server().address("http"));
  watcher.Send("GET /-/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string page = watcher.ReadToEnd();
  EXPECT_TRUE(absl::StrContains(page, "\npolyserve_tls_handshakes_total{result=\"full\"} 1\n")) << page;
  EXPECT_TRUE(absl::StrContains(page, "\npolyserve_tls_handshakes_total{result=\"resumed\"} 12\n")) << page;
  EXPECT_TRUE(absl::StrContains(page, "\npolyserve_tls_handshakes_total{result=\"failed\"} 0\n")) << page;
}

TEST_F(TlsTest, NewCertificateIsShownByAllWorkersAfterSighup) {
  Start("echo");
  ExpectServesOthersOverTls();
  WriteCertificate(MakeTestCertificate("new.example"));
  server().Signal(SIGHUP);
  const auto name_shown = [this] { return TlsPeer(address()).tls().server_name(); };
  EXPECT_TRUE(Eventually([&] { return name_shown() == "new.example"; }));
  for (int i = 0; i < 12; ++i) EXPECT_EQ(name_shown(), "new.example");
  ExpectServesOthersOverTls();

  files().Write("cert.pem", "rubbish");
  server().Signal(SIGHUP);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "previous certificates"); }));
  ExpectServesOthersOverTls();
}

TEST_F(TlsTest, RubbishHarmsNobody) {
  Start("echo");
  for (const std::string& rubbish : {std::string("hello\n"), std::string(3000, '\xff'), RandomBytes(3000, 3),
                                     std::string("\x16\x03\x01\xff\xff", 5) + std::string(3000, 'x')}) {
    Peer peer(address());
    peer.Send(rubbish);
    EXPECT_TRUE(peer.AwaitClose());
    ExpectServesOthersOverTls();
  }
  EXPECT_TRUE(absl::StrContains(server().log(), "a TLS connection has failed: the peer does not speak TLS"));
}

TEST_F(TlsTest, PeerThatStopsWithinTheHandshakeIsClosed) {
  Start("echo", {"--request_timeout=100ms"});
  const std::string hello = TlsTestClient({}).TakeRecords();
  for (const size_t sent : {size_t{3}, hello.size() / 2, hello.size()}) {
    Peer peer(address());
    peer.Send(hello.substr(0, sent));
    EXPECT_TRUE(peer.AwaitClose()) << sent;
  }
  // The limit is that of the handshake alone.
  TlsPeer peer = ConnectTls();
  EXPECT_TRUE(peer.is_open());
  Peer silent(address());
  silent.Send(hello);
  if (can().keeps_clients_apart) {
    EXPECT_TRUE(silent.AwaitClose());
  }
  peer.Send("still there");
  EXPECT_EQ(peer.Read(11), "still there");
}

TEST_F(TlsTest, PeersThatBreakOffHarmNobody) {
  Start("echo");
  const std::string hello = TlsTestClient({}).TakeRecords();
  for (size_t sent = 1; sent <= hello.size(); sent += hello.size() / 5) {
    Peer peer(address());
    peer.Send(hello.substr(0, sent));
    if (sent % 2 == 0) peer.Reset();
  }
  ExpectServesOthersOverTls();
}

TEST_F(TlsTest, SilentConnectionIsClosedInGoodOrder) {
  Start("echo", {"--idle_timeout=100ms"});
  TlsPeer peer = ConnectTls();
  ASSERT_TRUE(peer.is_open());
  EXPECT_EQ(peer.ReadToEnd(), "");
  EXPECT_TRUE(peer.tls().has_heard_end());
}

TEST_F(TlsTest, ConnectionEndsInGoodOrderBehindTheAnswerThatFollowsAStop) {
  Start("echo", {"--stop_grace=10m", "--drain_timeout=30m"});
  {
    TlsPeer peer = ConnectTls();
    ASSERT_TRUE(peer.is_open());
    server().Signal(SIGTERM);
    // Answered as before until the connection learns of the stop.
    std::string answer;
    do {
      peer.Send("x");
      answer = peer.Read(1);
    } while (answer == "x");
    EXPECT_TRUE(peer.tls().has_heard_end()) << peer.tls().failure();
  }
  ExpectCleanExit();
}

TEST_F(TlsTest, ClientsWithoutACertificateAreRefusedIfOneIsAsked) {
  const TestCertificate own = MakeTestCertificate("ada");
  files().Write("ca.pem", own.certificate);
  Start("echo", {absl::StrCat("--tls_client_ca=", files().PathOf("ca.pem"))});
  TlsPeer unknown = ConnectTls();
  unknown.Send("hello");
  EXPECT_EQ(unknown.ReadToEnd(), "");
  EXPECT_NE(unknown.tls().failure(), "");
  TlsTestClient::Options options = Trusting();
  options.certificate = own.certificate;
  options.key = own.key;
  TlsPeer known(address(), options);
  known.Send("hello");
  EXPECT_EQ(known.Read(5), "hello") << known.tls().failure();
}

}  // namespace

}  // namespace polyserve
