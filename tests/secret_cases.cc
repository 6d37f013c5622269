// What no log may hold, under every model and in both formats of the log: passwords and tokens, right or wrong, their
// hashes, what files hold, and what is said in the room.
#include <signal.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/tls/test_certificate.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/scratch.h"
#include "tests/tls_peer.h"

namespace polyserve {

namespace {

// Of "secret", at the lowest cost.
constexpr absl::string_view kSecretHash = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
constexpr absl::string_view kStored = "old-content";
constexpr absl::string_view kUploaded = "new-content";
constexpr absl::string_view kSaid = "words-in-the-room";

// All of them, in every form in which they are sent.
std::vector<std::string> Secrets() {
  return {"secret",
          "wr0ng",
          absl::Base64Escape("ada:secret"),
          absl::Base64Escape("ada:wr0ng"),
          std::string(kSecretHash.substr(0, 10)),
          std::string(kStored),
          std::string(kUploaded),
          std::string(kSaid)};
}

class SecretTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    root().Write("a", kStored);
    files_.Write("cert.pem", absl::StrCat(certificate_.key, certificate_.certificate));
    files_.Write("users", absl::StrCat("ada:", kSecretHash, ":read write chat\n"));
    for (const char* const service : {"chat", "http+tls", "file+tls", "chat+tls"}) ServeAlso(service);
  }

  void Start(absl::string_view format) {
    StartServer({absl::StrCat("--log_format=", format), absl::StrCat("--access_log=", files_.PathOf("log")),
                 absl::StrCat("--auth_file=", files_.PathOf("users")), "--auth_failures=0",
                 absl::StrCat("--tls_cert=", files_.PathOf("cert.pem"))});
  }

  // Says all of this to the service over a connection of its own, and returns what it answers until it closes.
  std::string Talk(absl::string_view service, absl::string_view text) {
    Peer peer = Connect(service);
    peer.Send(text);
    return peer.ReadToEnd();
  }
  std::string TalkOverTls(absl::string_view service, absl::string_view text) {
    TlsPeer peer(server().address(service), {.trusts = certificate_.certificate});
    peer.Send(text);
    const std::string answer = peer.ReadToEnd();
    EXPECT_TRUE(peer.is_open() || !answer.empty()) << peer.tls().failure();
    return answer;
  }

  Scratch files_;

 private:
  const TestCertificate certificate_ = MakeTestCertificate("localhost");
};

// Each of these is answered, and the connection closed.
std::string HttpRequest(absl::string_view method_and_target, absl::string_view authorization,
                        absl::string_view content = "") {
  return absl::StrCat(method_and_target,
                      " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: ", authorization,
                      "\r\nContent-Length: ", content.size(), "\r\n\r\n", content);
}
std::string Basic(absl::string_view name_and_password) {
  return absl::StrCat("Basic ", absl::Base64Escape(name_and_password));
}

TEST_F(SecretTest, NoLogHoldsPasswordsTokensContentOrWhatIsSaid) {
  const std::string file =
      absl::StrCat("A ada wr0ng\nA ada secret\nG a\nP b ", kUploaded.size(), "\n", kUploaded, "Q\n");
  const std::string chat = absl::StrCat("A ada wr0ng\nA ada secret\nL ada\nC ada ", kSaid, "\nE ada\n");
  for (const absl::string_view format : {"text", "json"}) {
    Start(format);
    const auto expect_answers = [&](absl::string_view tls, auto&& talk) {
      const auto http = [&](absl::string_view request) { return talk(absl::StrCat("http", tls), request); };
      EXPECT_TRUE(absl::EndsWith(http(HttpRequest("GET /a", Basic("ada:secret"))), kStored));
      EXPECT_TRUE(absl::EndsWith(http(HttpRequest("GET /a", "Bearer ada.secret")), kStored));
      EXPECT_TRUE(absl::StartsWith(http(HttpRequest("PUT /b", Basic("ada:secret"), kUploaded)), "HTTP/1.1 20"));
      for (const std::string& wrong : {Basic("ada:wr0ng"), std::string("Bearer ada.wr0ng"), std::string("Basic wr0ng"),
                                       std::string("Bearer wr0ng"), std::string("Digest wr0ng")}) {
        EXPECT_TRUE(absl::StartsWith(http(HttpRequest("GET /a", wrong)), "HTTP/1.1 401")) << wrong;
      }
      EXPECT_TRUE(
          absl::StartsWith(http("GET /a HTTP/1.1\r\nAuthorization : Bearer ada.secret\r\n\r\n"), "HTTP/1.1 400"));
      EXPECT_TRUE(absl::StrContains(talk(absl::StrCat("file", tls), file), kStored));
      EXPECT_TRUE(absl::StrContains(talk(absl::StrCat("chat", tls), chat), "OK"));
    };
    expect_answers("", [this](absl::string_view service, absl::string_view text) { return Talk(service, text); });
    expect_answers("+tls",
                   [this](absl::string_view service, absl::string_view text) { return TalkOverTls(service, text); });
    Talk("http+tls", HttpRequest("GET /a", Basic("ada:secret")));  // In the clear, to the wrong port.
    Talk("file+tls", file);
    server().Signal(SIGTERM);
    ExpectCleanExit();
    // They tell of what has happened.
    EXPECT_TRUE(absl::StrContains(files_.Read("log"), " - ada [")) << files_.Read("log");
    EXPECT_TRUE(absl::StrContains(server().log(), "a TLS connection has failed")) << server().log();
    for (const std::string& log : {files_.Read("log"), server().log()}) {
      for (const std::string& secret : Secrets())
        EXPECT_FALSE(absl::StrContains(log, secret)) << secret << ":\n" << log;
    }
  }
}

}  // namespace

}  // namespace polyserve
