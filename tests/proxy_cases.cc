// A server behind a load balancer that says for whom it speaks (PROXY protocol), under every model: each client is who
// the header names, for limits, logs and reports, and nobody else may say so. Here the balancer is a peer that sends
// the header itself; real ones are tested in deploy/.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "protocol/proxy/test_headers.h"
#include "protocol/tls/test_certificate.h"
#include "tests/chat_test.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/scratch.h"
#include "tests/tls_peer.h"

namespace polyserve {

namespace {

constexpr absl::string_view kBehind = "--proxy_protocol_from=127.0.0.1";
constexpr absl::string_view kGet = "GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

// A header of version 1.
std::string HeaderOf(absl::string_view client) {
  return absl::StrCat("PROXY TCP4 ", client, " 198.51.100.1 4711 80\r\n");
}

class ProxyTest : public ChatTest {
 protected:
  void SetUp() override {
    ChatTest::SetUp();
    root().Write("a", "hello");
  }

  void StartBehindBalancer(std::vector<std::string> flags = {}) {
    flags.emplace_back(kBehind);
    StartServer(std::move(flags));
  }

  // A connection of this client, which the balancer passes on.
  Peer ConnectFor(absl::string_view client, absl::string_view service) {
    Peer peer = Connect(service);
    peer.Send(HeaderOf(client));
    return peer;
  }

  // The reply of http to a request of a client.
  std::string Http(absl::string_view header, absl::string_view request = kGet) {
    Peer peer = Connect("http");
    peer.Send(absl::StrCat(header, request));
    return peer.ReadToEnd();
  }
  std::string Page(absl::string_view name) {
    return Http(ProxyHeaderV1(), absl::StrCat("GET /-/", name, " HTTP/1.0\r\nHost: localhost\r\n\r\n"));
  }

  // Waits until so many headers have had this result.
  void AwaitCount(absl::string_view result, int count) {
    const std::string line = absl::StrCat("\npolyserve_proxy_headers_total{result=\"", result, "\"} ", count, "\n");
    std::string page;
    EXPECT_TRUE(Eventually([&] { return absl::StrContains(page = Page("metrics"), line); })) << line << page;
  }

  const Scratch& files() const { return files_; }

 private:
  Scratch files_;
};

TEST_F(ProxyTest, LogAndStatusNameTheClient) {
  StartBehindBalancer({absl::StrCat("--access_log=", files().PathOf("log"))});
  for (const std::string& header : {ProxyHeaderV1(), ProxyHeaderV2()}) {
    const std::string reply = Http(header);
    EXPECT_TRUE(absl::EndsWith(reply, "\r\n\r\nhello")) << reply;
  }
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(files().Read("log"), "\n192.0.2.7 - - ["); }));
  EXPECT_TRUE(absl::StartsWith(files().Read("log"), "192.0.2.7 - - [")) << files().Read("log");
  Peer peer = Connect("http");
  peer.Send(absl::StrCat(ProxyHeaderV2(), "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  std::string line = peer.ReadLine();
  while (line.size() > 2) line = peer.ReadLine();
  EXPECT_EQ(peer.Read(5), "hello");
  peer.Send("GET /-/status HTTP/1.0\r\nHost: localhost\r\n\r\n");
  const std::string page = peer.ReadToEnd();
  const auto status = nlohmann::json::parse(page.substr(page.find("\r\n\r\n") + 4));
  bool is_listed = false;
  for (const auto& row : status["open"]) {
    if (row["doing"] != "works") continue;
    is_listed = true;
    EXPECT_EQ(row["peer"], "192.0.2.7:4711");
    EXPECT_TRUE(absl::StartsWith(row.value("via", std::string()), "127.0.0.1:")) << row;
    if (status["listeners"].empty()) continue;  // A fresh program image does not know what to ask the kernel for.
    EXPECT_GT(row.value("bytes_in", 0), 0) << "as the kernel counts them for the balancer's connection";
  }
  EXPECT_TRUE(is_listed) << page;
}

TEST_F(ProxyTest, BalancerThatSpeaksForItselfIsThePeer) {
  StartBehindBalancer({absl::StrCat("--access_log=", files().PathOf("log"))});
  for (const std::string& header : {ProxyHeaderV2('\x20', '\0', ""), std::string("PROXY UNKNOWN\r\n")}) {
    const std::string reply = Http(header);
    EXPECT_TRUE(absl::EndsWith(reply, "\r\n\r\nhello")) << reply;
  }
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(files().Read("log"), "\n127.0.0.1 - - ["); }));
  AwaitCount("own", 2);
}

TEST_F(ProxyTest, EveryServiceMayBeBehindABalancer) {
  StartBehindBalancer();
  struct Exchange {
    absl::string_view service;
    absl::string_view request;
    absl::string_view reply;
  };
  for (const Exchange& exchange :
       {Exchange{"echo", "ping", "ping"}, Exchange{"message", "x", "Receive your message"},
        Exchange{"compute", "PRIMES 10\n", "OK 17\n"}, Exchange{"wait", "WAIT 1\n", "OK 1\n"},
        Exchange{"file", "G a\n", "OK 5\nhello"}, Exchange{"file-unframed", "L", "OK"}}) {
    for (const std::string& header : {ProxyHeaderV1(), ProxyHeaderV2()}) {
      Peer at_once = Connect(exchange.service);
      at_once.Send(absl::StrCat(header, exchange.request));
      EXPECT_EQ(at_once.Read(exchange.reply.size()), exchange.reply) << exchange.service;
      at_once.HalfClose();
      EXPECT_TRUE(at_once.AwaitClose());
      Peer in_bytes = Connect(exchange.service);
      for (const char byte : header) in_bytes.Send(absl::string_view(&byte, 1));
      in_bytes.Send(exchange.request);
      EXPECT_EQ(in_bytes.Read(exchange.reply.size()), exchange.reply) << exchange.service;
      in_bytes.HalfClose();
      EXPECT_TRUE(in_bytes.AwaitClose());
    }
  }
}

TEST_F(ProxyTest, BalancerHasToSendAHeader) {
  StartBehindBalancer();
  for (const absl::string_view bytes : {kGet, absl::string_view("PROXY TCP4 192.0.2.256 1.2.3.4 1 2\r\n")}) {
    EXPECT_EQ(Http("", bytes), "");
  }
  AwaitCount("malformed", 2);
  Peer cut = Connect("echo");
  cut.Send("PROXY TC");
  cut.HalfClose();
  EXPECT_EQ(cut.ReadToEnd(), "");
  AwaitCount("malformed", 3);
  EXPECT_TRUE(Eventually([this] {
    return absl::StrContains(server().log(), "a PROXY header from 127.0.0.1 is refused: an address is malformed");
  })) << server().log();
}

TEST_F(ProxyTest, HeaderThatTakesTooLongEndsTheConnection) {
  StartBehindBalancer({"--request_timeout=200ms"});
  Peer slow = Connect("echo");
  slow.Send("PROXY TCP4 ");
  EXPECT_EQ(slow.ReadToEnd(), "");
  EXPECT_TRUE(slow.was_closed());
  AwaitCount("late", 1);
}

TEST_F(ProxyTest, HeaderOfAStrangerIsTheServicesBytes) {
  StartServer({"--proxy_protocol_from=192.0.2.0/24,2001:db8::/32"});
  const std::string header = ProxyHeaderV1();
  Peer peer = Connect("echo");
  peer.Send(header);
  EXPECT_EQ(peer.Read(header.size()), header);
  peer.HalfClose();
  EXPECT_TRUE(peer.AwaitClose());
  EXPECT_TRUE(absl::StartsWith(Http(header), "HTTP/1.1 400 "));
  EXPECT_TRUE(absl::EndsWith(Http(""), "\r\n\r\nhello"));
}

TEST_F(ProxyTest, ConnectionsCountForTheirClients) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: one client at a time";
  StartBehindBalancer({"--max_connections_per_address=1"});
  Peer ada = ConnectFor("192.0.2.1", "echo");
  EXPECT_TRUE(IsServed(ada));
  Peer bob = ConnectFor("192.0.2.2", "echo");
  EXPECT_TRUE(IsServed(bob)) << "another client of the same balancer";
  Peer second = ConnectFor("192.0.2.1", "echo");
  EXPECT_EQ(second.ReadToEnd(), "");
  const Peer silent = Connect("echo");  // Takes no place.
  EXPECT_TRUE(IsServed(ada));
  ada.HalfClose();
  EXPECT_TRUE(ada.AwaitClose());
  EXPECT_TRUE(Eventually([this] {
    Peer again = ConnectFor("192.0.2.1", "echo");
    return IsServed(again);
  }));
}

TEST_F(ProxyTest, RequestsCountForTheirClients) {
  constexpr int kAsked = 30;
  StartBehindBalancer({"--rate_per_address=1"});
  int refused = 0;
  for (int i = 0; i < kAsked; ++i) {
    if (absl::StartsWith(Http(HeaderOf("192.0.2.1")), "HTTP/1.1 429 ")) ++refused;
  }
  EXPECT_GT(refused, 0);
  EXPECT_TRUE(absl::EndsWith(Http(HeaderOf("192.0.2.2")), "\r\n\r\nhello"));
}

TEST_F(ProxyTest, WrongPasswordsCountForTheirClients) {
  // The hash is that of "secret", at the lowest cost.
  files().Write("users", "ada:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW:read\n");
  StartBehindBalancer({absl::StrCat("--auth_file=", files().PathOf("users")), "--auth_failures=1"});
  const auto ask = [this](absl::string_view client, absl::string_view password) {
    const std::string credentials = absl::Base64Escape(absl::StrCat("ada:", password));
    const std::string reply =
        Http(HeaderOf(client), absl::StrCat("GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: "
                                            "Basic ",
                                            credentials, "\r\n\r\n"));
    return reply.substr(0, 13);
  };
  EXPECT_EQ(ask("192.0.2.1", "wrong"), "HTTP/1.1 401 ");
  EXPECT_EQ(ask("192.0.2.1", "wrong"), "HTTP/1.1 429 ");
  EXPECT_EQ(ask("192.0.2.2", "wrong"), "HTTP/1.1 401 ") << "another client has its own failures";
  EXPECT_EQ(ask("192.0.2.3", "secret"), "HTTP/1.1 200 ");
}

TEST_F(ProxyTest, ServersOwnPagesAreForClientsOfTheList) {
  StartBehindBalancer({"--admin_from=192.0.2.7"});
  EXPECT_TRUE(absl::StrContains(Page("status"), " 200 "));
  const std::string foreign = Http(HeaderOf("192.0.2.8"), "GET /-/status HTTP/1.0\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(absl::StrContains(foreign, " 403 ")) << foreign;
}

TEST_F(ProxyTest, OperatorOfTheRoomSeesAndBansTheClient) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd input(ends[0]), keyboard(ends[1]);
  StartServer(ServerProcess::Options{.flags = {"--admin_name=root", std::string(kBehind)}, .input = input.get()});
  const auto join = [this](absl::string_view client) {
    Peer peer = ConnectFor(client, "chat");
    peer.Send("L ada\n");
    return peer;
  };
  Peer ada = join("192.0.2.1");
  EXPECT_EQ(ada.ReadLine(), "OK\n");
  constexpr absl::string_view kBan = "/ban 192.0.2.1\n";
  EXPECT_EQ(::write(keyboard.get(), kBan.data(), kBan.size()), static_cast<ssize_t>(kBan.size()));
  EXPECT_EQ(ada.ReadToEnd(), "ERR 410 banned by root for 60 minutes\n");
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "'ada' (192.0.2.1)"); })) << server().log();
  {
    Peer again = join("192.0.2.1");
    EXPECT_TRUE(absl::StartsWith(again.ReadLine(), "ERR 403 "));
  }
  Peer other = join("192.0.2.2");
  EXPECT_EQ(other.ReadLine(), "OK\n");
}

TEST_F(ProxyTest, MembersOfTheRoomHearEachOther) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design; see docs/models.md";
  StartBehindBalancer();
  Peer ada = ConnectFor("192.0.2.1", "chat");
  ada.Send("L ada\n");
  EXPECT_EQ(ada.ReadLine(), "OK\n");
  Peer bob = ConnectFor("192.0.2.2", "chat");
  bob.Send("L bob\n");
  EXPECT_EQ(bob.ReadLine(), "OK\n");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  bob.Send("C bob hello\n");
  EXPECT_EQ(ada.ReadLine(), Saying("bob", "hello"));
}

TEST_F(ProxyTest, HeaderComesBeforeTls) {
  const TestCertificate made = MakeTestCertificate("localhost");
  files().Write("cert.pem", made.certificate);
  files().Write("key.pem", made.key);
  ServeAlso("http+tls");
  StartBehindBalancer({absl::StrCat("--tls_cert=", files().PathOf("cert.pem")),
                       absl::StrCat("--tls_key=", files().PathOf("key.pem")),
                       absl::StrCat("--access_log=", files().PathOf("log"))});
  for (const std::string& header : {ProxyHeaderV1(), ProxyHeaderV2()}) {
    TlsPeer peer(server().address("http+tls"), {.trusts = made.certificate}, header);
    peer.Send(kGet);
    const std::string reply = peer.ReadToEnd();
    EXPECT_TRUE(absl::EndsWith(reply, "\r\n\r\nhello")) << reply << peer.tls().failure();
  }
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(files().Read("log"), "\n192.0.2.7 - - ["); }));
  const TlsPeer without(server().address("http+tls"), {.trusts = made.certificate});
  EXPECT_FALSE(without.is_open());
  AwaitCount("malformed", 1);
}

// As balancers keep some in advance, and as they check whether the port is open.
TEST_F(ProxyTest, ConnectionsWithoutAHeaderEndWithTheServer) {
  StartBehindBalancer({"--stop_grace=100ms", "--drain_timeout=10m"});
  EXPECT_TRUE(absl::EndsWith(Http(ProxyHeaderV1()), "\r\n\r\nhello"));
  {
    Peer look = Connect("echo");
    look.HalfClose();
    EXPECT_TRUE(look.AwaitClose());
  }
  AwaitCount("malformed", 0);
  Peer early = Connect("echo");
  server().Signal(SIGTERM);
  EXPECT_EQ(early.ReadToEnd(), "");
  ExpectCleanExit();
}

TEST_F(ProxyTest, RequestBehindAHeaderIsAnsweredWhileTheServerStops) {
  StartBehindBalancer({"--stop_grace=10s", "--drain_timeout=10m"});
  Peer early = Connect("http");
  early.Send("PROXY TCP4 ");
  server().SignalAndAwaitDelivery(SIGTERM);
  early.Send("192.0.2.7 198.51.100.1 4711 80\r\n");
  early.Send(kGet);
  EXPECT_TRUE(absl::EndsWith(early.ReadToEnd(), "\r\n\r\nhello"));
  ExpectCleanExit();
}

}  // namespace

}  // namespace polyserve
