// TLS and --auth_file together, under every model: a client's certificate names its user, in place of a password; and
// passwords work over TLS as they do in the clear.
#include <cstddef>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/tls/test_certificate.h"
#include "protocol/tls/test_client.h"
#include "tests/every_model.h"
#include "tests/scratch.h"
#include "tests/tls_peer.h"

namespace polyserve {

namespace {

// Of "token", at the lowest cost.
constexpr absl::string_view kTokenHash = "$2b$04$abcdefghijklmnopqrstuuXW5JZg9aMqUYNJxQVUKvcx/Agx.PPZe";

class TlsAuthTest : public EveryModelTest {
 protected:
  // ada may read all, and write in public, and has no password; bob may chat; everyone may read in public.
  void SetUp() override {
    EveryModelTest::SetUp();
    root().Write("a", "hello");
    root().MakeDirectory("public");
    root().Write("public/b", "for all");
    files_.Write("cert.pem", absl::StrCat(certificate_.key, certificate_.certificate));
    files_.Write("ca.pem", absl::StrCat(ada_.certificate, bob_.certificate, eve_.certificate));
    files_.Write("users", absl::StrCat("*::read:/public\nada:!:read write:/public\nbob:", kTokenHash, ":chat\n"));
  }

  void Start(absl::string_view service, absl::string_view client_cert = "optional") {
    service_ = absl::StrCat(service, "+tls");
    ServeAlso(service_);
    StartServer(
        {absl::StrCat("--auth_file=", files_.PathOf("users")), absl::StrCat("--tls_cert=", files_.PathOf("cert.pem")),
         absl::StrCat("--tls_client_ca=", files_.PathOf("ca.pem")), absl::StrCat("--tls_client_cert=", client_cert)});
  }

  // One that shows this certificate; by default none.
  TlsTestClient::Options Showing(const TestCertificate& own = {}) const {
    return {.trusts = certificate_.certificate, .certificate = own.certificate, .key = own.key};
  }
  TlsPeer ConnectTls(const TlsTestClient::Options& options) { return TlsPeer(server().address(service_), options); }

  // The code of the reply, and behind it the content, as "200 hello"; of a new connection.
  std::string Http(const TlsTestClient::Options& client, absl::string_view method_and_target,
                   absl::string_view fields = "", absl::string_view content = "") {
    TlsPeer peer = ConnectTls(client);
    peer.Send(absl::StrCat(method_and_target, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", fields,
                           "Content-Length: ", content.size(), "\r\n\r\n", content));
    const std::string reply = peer.ReadToEnd();
    const size_t head = reply.find("\r\n\r\n");
    if (head == std::string::npos) return absl::StrCat("(cut off) ", reply, peer.tls().failure());
    return absl::StrCat(reply.substr(9, 3), " ", reply.substr(head + 4));
  }

  const TestCertificate certificate_ = MakeTestCertificate("localhost");
  const TestCertificate ada_ = MakeTestCertificate("ada");
  const TestCertificate bob_ = MakeTestCertificate("bob");
  const TestCertificate eve_ = MakeTestCertificate("eve");  // No user of the file.

 private:
  Scratch files_;
  std::string service_;
};

TEST_F(TlsAuthTest, HttpServesTheUserWhomTheCertificateNames) {
  Start("http");
  EXPECT_EQ(Http(Showing(ada_), "GET /a"), "200 hello");
  EXPECT_TRUE(absl::StartsWith(Http(Showing(ada_), "PUT /public/c", "", "new"), "201 "));
  EXPECT_TRUE(absl::StartsWith(Http(Showing(ada_), "PUT /c", "", "new"), "403 "));
  EXPECT_EQ(root().Read("public/c"), "new");
  EXPECT_TRUE(absl::StartsWith(Http(Showing(bob_), "GET /a"), "403 "));
  for (const TestCertificate& own : {TestCertificate(), eve_}) {
    EXPECT_TRUE(absl::StartsWith(Http(Showing(own), "GET /a"), "401 "));
    EXPECT_EQ(Http(Showing(own), "GET /public/b"), "200 for all");
  }
}

TEST_F(TlsAuthTest, PasswordsWorkAndWinOverTheCertificate) {
  Start("http");
  const std::string bob = absl::StrCat("Authorization: Basic ", absl::Base64Escape("bob:token"), "\r\n");
  EXPECT_TRUE(absl::StartsWith(Http(Showing(), "GET /-/chat", bob), "426 ")) << "a WebSocket would be welcome";
  EXPECT_TRUE(absl::StartsWith(Http(Showing(ada_), "GET /a", bob), "403 "));
  EXPECT_TRUE(absl::StartsWith(Http(Showing(ada_), "GET /a", "Authorization: Bearer bob.wrong\r\n"), "401 "));
}

TEST_F(TlsAuthTest, FileServesTheUserWhomTheCertificateNames) {
  Start("file");
  {
    TlsPeer ada = ConnectTls(Showing(ada_));
    ada.Send("G a\nP public/c 3\nnewP c 3\nnewQ\n");
    EXPECT_EQ(ada.Read(10), "OK 5\nhello") << ada.tls().failure();
    EXPECT_EQ(ada.ReadLine(), "OK 0\n");
    EXPECT_TRUE(absl::StartsWith(ada.ReadLine(), "ERR 403 "));
    ada.ReadToEnd();
    EXPECT_EQ(root().Read("public/c"), "new");
  }
  TlsPeer other = ConnectTls(Showing());
  other.Send("G a\nG public/b\nA bob wrong\nA bob token\nG a\nQ\n");
  EXPECT_TRUE(absl::StartsWith(other.ReadLine(), "ERR 401 "));
  EXPECT_EQ(other.Read(12), "OK 7\nfor all") << other.tls().failure();
  EXPECT_TRUE(absl::StartsWith(other.ReadLine(), "ERR 401 "));
  EXPECT_EQ(other.ReadLine(), "OK 0\n");
  EXPECT_TRUE(absl::StartsWith(other.ReadLine(), "ERR 403 ")) << "bob may chat, no more";
}

TEST_F(TlsAuthTest, RoomIsOpenToTheUserWhomTheCertificateNames) {
  Start("chat");
  {
    TlsPeer bob = ConnectTls(Showing(bob_));
    bob.Send("L carl\nE carl\n");
    EXPECT_EQ(bob.ReadLine(), "OK\n") << bob.tls().failure();
    EXPECT_EQ(bob.ReadToEnd(), "EXIT\n");
  }
  {
    TlsPeer ada = ConnectTls(Showing(ada_));
    ada.Send("L carl\n");
    EXPECT_TRUE(absl::StartsWith(ada.ReadLine(), "ERR 403 "));
  }
  TlsPeer other = ConnectTls(Showing());
  other.Send("L carl\n");
  EXPECT_TRUE(absl::StartsWith(other.ReadLine(), "ERR 401 "));
}

// Each connection may be another process's.
TEST_F(TlsAuthTest, ResumedSessionIsStillThatUsers) {
  Start("file");
  TlsTestClient::Options options = Showing();
  {
    TlsPeer first = ConnectTls(Showing(ada_));
    first.Send("G a\n");
    EXPECT_EQ(first.Read(10), "OK 5\nhello") << first.tls().failure();
    options.session = first.tls().session();
  }
  for (int i = 0; i < 3; ++i) {
    TlsPeer again = ConnectTls(options);
    again.Send("G a\n");
    EXPECT_EQ(again.Read(10), "OK 5\nhello") << again.tls().failure();
    EXPECT_TRUE(again.tls().was_resumed());
  }
}

TEST_F(TlsAuthTest, ClientsWithoutACertificateAreRefusedIfOneIsRequired) {
  Start("http", "require");
  EXPECT_EQ(Http(Showing(ada_), "GET /a"), "200 hello");
  EXPECT_TRUE(absl::StartsWith(Http(Showing(), "GET /public/b"), "(cut off) "));
}

}  // namespace

}  // namespace polyserve
