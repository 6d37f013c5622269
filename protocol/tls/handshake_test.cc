// How TLS connections begin: who is let in, by which names and versions, and what becomes of the others.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "protocol/echo.h"
#include "protocol/tls/test_certificate.h"
#include "protocol/tls/test_client.h"
#include "protocol/tls/test_fixture.h"
#include "protocol/tls/ticket_keys.h"

namespace polyserve {

namespace {

class TlsHandshakeTest : public TlsFixture {};

TEST_F(TlsHandshakeTest, OlderVersionsAreRefused) {
  TlsTestServer server = ServeEcho();
  TlsTestClient client({.only_tls11 = true});
  Talk(client, server);
  EXPECT_FALSE(client.is_open());
  EXPECT_TRUE(absl::StrContains(client.failure(), "protocol version")) << client.failure();
  EXPECT_TRUE(server.closed());
  EXPECT_EQ(server.errors(), 1);
}

TEST_F(TlsHandshakeTest, HandshakeHasATimeLimitFromItsFirstByteOn) {
  TlsTestServer server = ServeEcho();
  EXPECT_FALSE(server.has_timer());
  TlsTestClient client({});
  server.Receive(client.TakeRecords().substr(0, 10));
  EXPECT_TRUE(server.has_timer());
  server.LetTimePass();
  EXPECT_TRUE(server.closed());
  EXPECT_EQ(server.errors(), 1);
}

// Each handshake counts once, by how it ended; what fails afterwards is none.
TEST_F(TlsHandshakeTest, HandshakesAreCounted) {
  TlsTestClient first({});
  {
    TlsTestServer server = ServeEcho();
    first.Say("hello");
    Talk(first, server);
    EXPECT_EQ(counters_.full, 1);
    server.Receive("no record at all");
    EXPECT_TRUE(server.closed());
  }
  {
    TlsTestServer server = ServeEcho();
    TlsTestClient second({.session = first.session()});
    Talk(second, server);
    EXPECT_EQ(counters_.resumed, 1);
  }
  EXPECT_EQ(counters_.full, 1);
  EXPECT_EQ(counters_.failed, 0);
  {
    TlsTestServer server = ServeEcho();
    server.Receive("rubbish");
    EXPECT_EQ(counters_.failed, 1);
  }
  {
    TlsTestServer silent = ServeEcho();  // A peer that only connects has begun no handshake.
  }
  EXPECT_EQ(counters_.failed, 1);
  {
    TlsTestServer server = ServeEcho();
    TlsTestClient client({});
    server.Receive(client.TakeRecords().substr(0, 10));
  }
  EXPECT_EQ(counters_.failed, 2);
  {
    TlsTestServer server = ServeEcho();
    TlsTestClient client({});
    server.Receive(client.TakeRecords());
    server.End();
  }
  EXPECT_EQ(counters_.failed, 3);
  EXPECT_EQ(counters_.full + counters_.resumed, 2);
}

TEST_F(TlsHandshakeTest, HttpInTheClearIsToldToUseHttps) {
  for (const char* request : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PUT /a HTTP/1.1\r\n\r\n"}) {
    TlsTestServer server = ServeEcho();
    const std::string answer = server.Receive(request);
    EXPECT_TRUE(absl::StartsWith(answer, "HTTP/1.1 400 ")) << answer;
    EXPECT_TRUE(absl::StrContains(answer, "https://"));
    const size_t content = answer.find("\r\n\r\n") + 4;
    EXPECT_TRUE(absl::StrContains(answer, absl::StrCat("Content-Length: ", answer.size() - content, "\r\n")));
    EXPECT_TRUE(server.closed());
  }
}

TEST_F(TlsHandshakeTest, RubbishIsRefusedAtOnceAndCounted) {
  const std::string empty_handshake_record("\x16\x03\x01\x00\x00", 5);
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += empty_handshake_record;
  for (const std::string& rubbish :
       {std::string("G hello.txt\n"), std::string(100'000, '\xff'), std::string(100'000, '\0'), flood,
        std::string("\x16\x03\x01\xff\xff", 5) + std::string(70'000, 'x')}) {
    TlsTestServer server = ServeEcho();
    server.Receive(rubbish);
    EXPECT_TRUE(server.closed());
    EXPECT_EQ(server.errors(), 1);
  }
}

TEST_F(TlsHandshakeTest, ProtocolIsChosenOrTheClientRefused) {
  TlsTestServer http = ServeEcho();
  TlsTestClient browser({.alpn = "\x02h2\x08http/1.1"});
  Talk(browser, http);
  EXPECT_TRUE(browser.is_open()) << browser.failure();
  EXPECT_EQ(browser.alpn(), "http/1.1");

  TlsTestServer other = Serve(std::make_unique<EchoSession>(), "");
  TlsTestClient lost_browser({.alpn = "\x02h2\x08http/1.1"});
  Talk(lost_browser, other);
  EXPECT_FALSE(lost_browser.is_open());
  EXPECT_TRUE(absl::StrContains(lost_browser.failure(), "no application protocol")) << lost_browser.failure();

  TlsTestServer third = Serve(std::make_unique<EchoSession>(), "");
  TlsTestClient plain({});
  Talk(plain, third);
  EXPECT_TRUE(plain.is_open()) << plain.failure();
}

TEST_F(TlsHandshakeTest, ClientGetsTheCertificateForTheHostThatItNames) {
  context_ = ContextOf({certificate_, MakeTestCertificate("a.example"), MakeTestCertificate("*.b.example")});
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"a.example", "a.example"}, {"A.EXAMPLE", "a.example"},    {"x.b.example", "*.b.example"},
      {"localhost", "localhost"}, {"none.example", "localhost"}, {"", "localhost"}};
  for (const auto& [host, name] : expected) {
    TlsTestServer server = ServeEcho();
    TlsTestClient client({.host = host});
    Talk(client, server);
    EXPECT_TRUE(client.is_open()) << client.failure();
    EXPECT_EQ(client.server_name(), name) << host;
  }
}

TEST_F(TlsHandshakeTest, ClientsMustShowACertificateIfThatIsAsked) {
  const TestCertificate own = MakeTestCertificate("ada");
  context_ = ContextOf({certificate_}, own.certificate);
  for (const bool only_tls12 : {false, true}) {
    TlsTestServer server = ServeEcho();
    TlsTestClient known({.certificate = own.certificate, .key = own.key, .only_tls12 = only_tls12});
    known.Say("hello");
    Talk(known, server);
    EXPECT_EQ(known.heard(), "hello") << known.failure();

    const TestCertificate other = MakeTestCertificate("ada");
    for (const TestCertificate& shown : {TestCertificate(), other}) {
      TlsTestServer refusing = ServeScript([](Output&) {});
      TlsTestClient unknown({.certificate = shown.certificate, .key = shown.key, .only_tls12 = only_tls12});
      unknown.Say("hello");
      Talk(unknown, refusing);
      EXPECT_TRUE(refusing.closed());
      EXPECT_NE(unknown.failure(), "");
      EXPECT_EQ(log_.input, "");
    }
  }
}

TEST_F(TlsHandshakeTest, SessionIsResumedByAnyoneWithTheSecretWithinTwoPeriods) {
  absl::Time now = absl::FromUnixSeconds(1'000'000'000);
  const TlsTicketKeys old_keys(kSecret, [&now] { return now; });
  for (const bool only_tls12 : {false, true}) {
    context_ = ContextWith(old_keys);
    TlsTestServer first = ServeEcho();
    TlsTestClient client({.only_tls12 = only_tls12});
    client.Say("x");
    Talk(client, first);
    EXPECT_FALSE(client.was_resumed());

    const auto is_resumed = [&](const TlsTicketKeys& keys) {
      context_ = ContextWith(keys);
      TlsTestServer server = ServeEcho();
      TlsTestClient again({.only_tls12 = only_tls12, .session = client.session()});
      again.Say("x");
      Talk(again, server);
      EXPECT_EQ(again.heard(), "x") << again.failure();
      return again.was_resumed();
    };
    const TlsTicketKeys same(kSecret, [&now] { return now; });
    const TlsTicketKeys later(kSecret, [&now] { return now + TlsTicketKeys::kPeriod; });
    const TlsTicketKeys too_late(kSecret, [&now] { return now + 2 * TlsTicketKeys::kPeriod; });
    constexpr uint8_t kOther[TlsTicketKeys::kSecretBytes] = {9};
    const TlsTicketKeys other(kOther, [&now] { return now; });
    EXPECT_TRUE(is_resumed(same));
    EXPECT_TRUE(is_resumed(later));
    EXPECT_FALSE(is_resumed(too_late));
    EXPECT_FALSE(is_resumed(other));
  }
}

TEST_F(TlsHandshakeTest, ResumedSessionBringsATicketForTheNextOne) {
  std::shared_ptr<SSL_SESSION> session;
  for (int i = 0; i < 4; ++i) {
    TlsTestServer server = ServeEcho();
    TlsTestClient client({.session = session});
    client.Say("x");
    Talk(client, server);
    EXPECT_EQ(client.was_resumed(), i > 0);
    EXPECT_TRUE(session == nullptr || client.has_new_ticket(*session)) << i;
    session = client.session();
  }
}

// The certificate is good for an hour; then the ticket, for which the keys still are there, must be worth nothing.
TEST_F(TlsHandshakeTest, SessionEndsWithTheCertificateOfItsClient) {
  const TestCertificate own = MakeTestCertificate("ada", absl::Hours(1));
  ContextOf({certificate_}, own.certificate);
  files_.client_may_have_none = true;
  absl::Time now = absl::Now();
  const TlsTicketKeys keys(kSecret, [&now] { return now; });
  for (const bool only_tls12 : {false, true}) {
    now = absl::Now();
    context_ = ContextWith(keys);
    TlsTestServer first = ServeEcho();
    TlsTestClient client({.certificate = own.certificate, .key = own.key, .only_tls12 = only_tls12});
    client.Say("x");
    Talk(client, first);
    EXPECT_EQ(client.heard(), "x") << client.failure();
    for (const bool has_expired : {false, true}) {
      if (has_expired) now += absl::Hours(2);
      TlsTestServer server = ServeEcho();
      TlsTestClient again({.only_tls12 = only_tls12, .session = client.session()});
      again.Say("x");
      Talk(again, server);
      EXPECT_EQ(again.heard(), "x") << again.failure();
      EXPECT_EQ(again.was_resumed(), !has_expired);
    }
  }
}

}  // namespace

}  // namespace polyserve
