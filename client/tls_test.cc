// Connection over TLS, against a server by OpenSSL alone: whom it trusts, and that lines, bytes and files are the same.
#include "client/tls.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/connection.h"
#include "client/server_address.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"
#include "protocol/tls/test_certificate.h"

namespace polyserve {

namespace {

// The path of a new file with this text.
std::string FileWith(absl::string_view name, absl::string_view text) {
  const std::string path = absl::StrCat(testing::TempDir(), "/client_tls_test.", ::getpid(), ".", name);
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
  EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return path;
}

// Serves connections with this certificate, one after the other, each by the script; a thread of its own. Waits end
// after ten seconds.
class TlsScriptedPeer {
 public:
  // `ssl` is null if the handshake has failed.
  using Script = std::function<void(SSL* ssl)>;

  TlsScriptedPeer(const TestCertificate& certificate, int connections, Script script)
      : context_(SSL_CTX_new(TLS_server_method())), connections_(connections), script_(std::move(script)) {
    UseTestCertificate(context_, certificate);
    SSL_CTX_set_session_id_context(context_, reinterpret_cast<const unsigned char*>("test"), 4);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });  // Any, or none.
    thread_ = std::thread([this] { Serve(); });
  }
  ~TlsScriptedPeer() {
    thread_.join();
    SSL_CTX_free(context_);
  }
  TlsScriptedPeer(const TlsScriptedPeer&) = delete;
  TlsScriptedPeer& operator=(const TlsScriptedPeer&) = delete;

  Endpoint endpoint() const { return Endpoint::OfSocket(listener_.get()).value(); }

 private:
  void Serve() {
    for (int i = 0; i < connections_; ++i) {
      pollfd waiting = {listener_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, 10'000) != 1) return;
      const UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      const timeval patience = {.tv_sec = 10, .tv_usec = 0};
      ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
      SSL* ssl = SSL_new(context_);
      SSL_set_fd(ssl, socket.get());
      script_(SSL_accept(ssl) == 1 ? ssl : nullptr);
      SSL_free(ssl);
    }
  }

  SSL_CTX* const context_;
  const int connections_;
  const Script script_;
  const UniqueFd listener_ = ListenTcp(Endpoint::Parse("127.0.0.1:0").value(), absl::InfiniteDuration()).value();
  std::thread thread_;
};

void Say(SSL* ssl, absl::string_view text) { SSL_write(ssl, text.data(), static_cast<int>(text.size())); }

std::string Hear(SSL* ssl, size_t count) {
  std::string heard;
  char buffer[4096];
  int more = 1;
  while (heard.size() < count && more > 0) {
    more = SSL_read(ssl, buffer, static_cast<int>(std::min(sizeof(buffer), count - heard.size())));
    if (more > 0) heard.append(buffer, static_cast<size_t>(more));
  }
  return heard;
}

class ClientTlsTest : public testing::Test {
 protected:
  std::unique_ptr<ClientTls> Trusting(const TestCertificate& one, ClientTls::Options options = {}) {
    options.ca = FileWith("ca.pem", one.certificate);
    return ClientTls::Create(options).value();
  }
  static absl::StatusOr<Connection> Open(const ServerAddress& to, const ClientTls& tls) {
    ConnectionOptions options;
    options.idle_timeout = absl::Seconds(10);
    options.tls = &tls;
    return Connection::Open(to, options);
  }

  const TestCertificate certificate_ = MakeTestCertificate("localhost");
};

TEST_F(ClientTlsTest, LinesAndBytesAreTheSame) {
  const std::string much(300'000, 'x');
  TlsScriptedPeer peer(certificate_, 1, [&](SSL* ssl) {
    ASSERT_NE(ssl, nullptr);
    EXPECT_EQ(Hear(ssl, 6), "hello\n");
    Say(ssl, "one\ntw");
    Say(ssl, "o\n");
    Say(ssl, much);
    SSL_shutdown(ssl);
  });
  const auto tls = Trusting(certificate_);
  absl::StatusOr<Connection> connection = Open(peer.endpoint(), *tls);
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_TRUE(connection->is_quiet());
  ASSERT_TRUE(connection->Write("hello\n").ok());
  EXPECT_EQ(*connection->ReadLine(10), "one");
  EXPECT_EQ(*connection->ReadLine(10), "two");
  size_t count = 0;
  while (true) {
    const absl::StatusOr<absl::string_view> bytes = connection->ReadSome(1'000'000);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    if (bytes->empty()) break;
    count += bytes->size();
  }
  EXPECT_EQ(count, much.size());
  EXPECT_FALSE(connection->is_quiet());
}

TEST_F(ClientTlsTest, FileIsSentUntilTheServerSpeaks) {
  const std::string bytes(200'000, 'f');
  const UniqueFd file(::open(FileWith("file", bytes).c_str(), O_RDONLY | O_CLOEXEC));
  TlsScriptedPeer peer(certificate_, 1, [&](SSL* ssl) {
    ASSERT_NE(ssl, nullptr);
    EXPECT_EQ(Hear(ssl, bytes.size()), bytes);
    Say(ssl, "OK\n");
    Hear(ssl, 1);  // Until the client closes.
  });
  const auto tls = Trusting(certificate_);
  absl::StatusOr<Connection> connection = Open(peer.endpoint(), *tls);
  ASSERT_TRUE(connection.ok()) << connection.status();
  const auto size = static_cast<int64_t>(bytes.size());
  for (int64_t offset = 0; offset < size;) {
    const absl::StatusOr<int64_t> sent = connection->SendFile(file.get(), offset, size - offset);
    ASSERT_TRUE(sent.ok()) << sent.status();
    ASSERT_GT(*sent, 0);
    offset += *sent;
  }
  EXPECT_EQ(*connection->ReadLine(10), "OK");
  EXPECT_TRUE(absl::IsAborted(connection->SendFile(file.get(), size, 1).status()));
}

TEST_F(ClientTlsTest, RefusalEndsTheSendingOfAFile) {
  const std::string bytes(8'000'000, 'f');  // More than the sockets hold.
  const UniqueFd file(::open(FileWith("large", bytes).c_str(), O_RDONLY | O_CLOEXEC));
  std::promise<void> was_heard;
  TlsScriptedPeer peer(certificate_, 1, [heard = was_heard.get_future().share()](SSL* ssl) {
    ASSERT_NE(ssl, nullptr);
    Hear(ssl, 1);
    Say(ssl, "ERR\n");
    heard.wait_for(std::chrono::seconds(10));  // It reads no more.
  });
  const auto tls = Trusting(certificate_);
  absl::StatusOr<Connection> connection = Open(peer.endpoint(), *tls);
  ASSERT_TRUE(connection.ok()) << connection.status();
  int64_t offset = 0;
  int64_t sent = 1;
  while (sent > 0) {
    const absl::StatusOr<int64_t> piece = connection->SendFile(file.get(), offset, 8'000'000 - offset);
    ASSERT_TRUE(piece.ok()) << piece.status();
    sent = *piece;
    offset += sent;
  }
  EXPECT_LT(offset, 8'000'000);
  EXPECT_EQ(*connection->ReadLine(10), "ERR");
  was_heard.set_value();
}

TEST_F(ClientTlsTest, EndWithoutCloseNotifyIsALostConnection) {
  TlsScriptedPeer peer(certificate_, 1, [](SSL* ssl) {
    ASSERT_NE(ssl, nullptr);
    Say(ssl, "half");
  });
  const auto tls = Trusting(certificate_);
  absl::StatusOr<Connection> connection = Open(peer.endpoint(), *tls);
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(*connection->ReadSome(100), "half");
  EXPECT_TRUE(absl::IsUnavailable(connection->ReadSome(100).status()));
}

TEST_F(ClientTlsTest, CertificateHasToBeTrustedAndForTheHost) {
  const TestCertificate for_another = MakeTestCertificate({{"localhost"}, "DNS:other.example"});
  TlsScriptedPeer peer(for_another, 2, [](SSL*) {});
  for (const auto& [trusted, why] :
       {std::pair<TestCertificate, const char*>(certificate_, "self-signed"), {for_another, "IP address mismatch"}}) {
    const absl::Status status = Open(peer.endpoint(), *Trusting(trusted)).status();
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("not trusted: ", why))) << status;
  }
}

TEST_F(ClientTlsTest, ServerIsAskedForTheHostByItsName) {
  std::string asked;
  TlsScriptedPeer peer(certificate_, 2, [&asked](SSL* ssl) {
    if (ssl == nullptr) return;
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    absl::StrAppend(&asked, name == nullptr ? "(none)" : name, ";");
    Say(ssl, "x");
  });
  const auto tls = Trusting(certificate_);
  ServerAddress by_name = peer.endpoint();
  by_name.host = "localhost";
  for (const ServerAddress& to : {by_name, ServerAddress(peer.endpoint())}) {
    absl::StatusOr<Connection> connection = Open(to, *tls);
    ASSERT_TRUE(connection.ok()) << connection.status();
    EXPECT_EQ(*connection->ReadSome(1), "x");
  }
  EXPECT_EQ(asked, "localhost;(none);");
}

TEST_F(ClientTlsTest, OwnCertificateIsShown) {
  const TestCertificate own = MakeTestCertificate("ada");
  bool was_shown = false;
  TlsScriptedPeer peer(certificate_, 1, [&was_shown](SSL* ssl) {
    ASSERT_NE(ssl, nullptr);
    was_shown = SSL_get0_peer_certificate(ssl) != nullptr;
    Say(ssl, "x");
  });
  const auto tls = Trusting(certificate_, {.certificate = FileWith("own", absl::StrCat(own.key, own.certificate))});
  absl::StatusOr<Connection> connection = Open(peer.endpoint(), *tls);
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(*connection->ReadSome(1), "x");
  EXPECT_TRUE(was_shown);
}

TEST_F(ClientTlsTest, SessionIsResumedIfThatIsAsked) {
  for (const bool resumes : {false, true}) {
    std::string seen;
    TlsScriptedPeer peer(certificate_, 2, [&seen](SSL* ssl) {
      ASSERT_NE(ssl, nullptr);
      seen += SSL_session_reused(ssl) == 1 ? 'r' : 'f';
      Say(ssl, "x");
      Hear(ssl, 1);
    });
    const auto tls = Trusting(certificate_, {.resumes = resumes});
    for (int i = 0; i < 2; ++i) {
      absl::StatusOr<Connection> connection = Open(peer.endpoint(), *tls);
      ASSERT_TRUE(connection.ok()) << connection.status();
      EXPECT_EQ(*connection->ReadSome(1), "x");  // The ticket comes before it.
    }
    EXPECT_EQ(seen, resumes ? "fr" : "ff");
  }
}

TEST_F(ClientTlsTest, FilesThatCannotBeUsedAreNamed) {
  const std::string rubbish = FileWith("rubbish", "rubbish");
  const std::string own = FileWith("cert", certificate_.certificate);
  const std::string other_key = FileWith("key", MakeTestCertificate("localhost").key);
  for (const ClientTls::Options& options :
       {ClientTls::Options{.ca = rubbish}, ClientTls::Options{.certificate = rubbish},
        ClientTls::Options{.certificate = own, .key = rubbish}}) {
    const absl::Status status = ClientTls::Create(options).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), rubbish)) << status;
  }
  EXPECT_FALSE(ClientTls::Create({.certificate = own, .key = other_key}).ok());
}

}  // namespace

}  // namespace polyserve
