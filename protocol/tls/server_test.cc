#include "protocol/tls/server.h"

#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "protocol/echo.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/tls/test_certificate.h"
#include "protocol/tls/test_client.h"
#include "protocol/tls/ticket_keys.h"

namespace polyserve {

namespace {

constexpr uint8_t kSecret[TlsTicketKeys::kSecretBytes] = {};

class TlsServerTest : public testing::Test {
 protected:
  std::string PathOf(absl::string_view name) const {
    return absl::StrCat(testing::TempDir(), "/tls_server_test.", ::getpid(), ".", name);
  }
  void Write(absl::string_view name, absl::string_view text) const {
    std::ofstream(PathOf(name), std::ios::trunc | std::ios::binary) << text;
  }
  void WriteCertificate(absl::string_view host) const {
    const TestCertificate made = MakeTestCertificate(host);
    Write("cert", made.certificate);
    Write("key", made.key);
  }

  TlsServer::Options Options() const {
    return {.files = {.certificates = {PathOf("cert")}, .keys = {PathOf("key")}},
            .handshake_timeout = absl::InfiniteDuration()};
  }
  absl::StatusOr<std::shared_ptr<TlsServer>> Create() {
    readings_ = 0;
    return TlsServer::Create(Options(), readings_, kSecret);
  }
  std::string ErrorOfCreate() {
    const absl::Status status = Create().status();
    EXPECT_FALSE(status.ok());
    return std::string(status.message());
  }

  // The name in the certificate that a client of this server gets now.
  static std::string NameShownBy(TlsServer& server) {
    const std::unique_ptr<Session> session = server.MakeSession(std::make_unique<EchoSession>(), "");
    TlsTestClient client({});
    const std::string hello = client.TakeRecords();
    Input input(hello);
    Output output;
    session->OnInput(input, output);
    iovec piece;
    if (output.FrontMemory(&piece, 1) == 1) {
      client.Hear(absl::string_view(static_cast<const char*>(piece.iov_base), piece.iov_len));
    }
    return client.server_name();
  }

  std::atomic<int64_t> readings_{0};
};

TEST_F(TlsServerTest, NewCertificatesHoldForAllProcesses) {
  WriteCertificate("old.example");
  const auto server = Create();
  ASSERT_TRUE(server.ok()) << server.status();
  const std::shared_ptr<TlsServer> image = TlsServer::OfServer(Options(), readings_, kSecret);
  image->Adopt(UniqueFd(::dup((*server)->fd())));
  EXPECT_EQ(NameShownBy(*image), "old.example");
  for (const char* host : {"a.example", "a-much-longer-name.example", "b.example"}) {
    const std::string before = NameShownBy(**server);
    WriteCertificate(host);
    EXPECT_EQ(NameShownBy(**server), before);
    EXPECT_EQ(NameShownBy(*image), before);
    ASSERT_TRUE((*server)->Reload().ok());
    EXPECT_EQ(NameShownBy(**server), host);
    EXPECT_EQ(NameShownBy(*image), host);
  }
}

TEST_F(TlsServerTest, FilesThatAreWrongChangeNothing) {
  WriteCertificate("old.example");
  const auto server = Create();
  ASSERT_TRUE(server.ok()) << server.status();
  Write("cert", "rubbish");
  EXPECT_FALSE((*server)->Reload().ok());
  EXPECT_EQ(NameShownBy(**server), "old.example");
  const std::shared_ptr<TlsServer> image = TlsServer::OfServer(Options(), readings_, kSecret);
  image->Adopt(UniqueFd(::dup((*server)->fd())));
  EXPECT_EQ(NameShownBy(*image), "old.example") << "it does not look at the files";
}

TEST_F(TlsServerTest, FilesThatAreTooLargeAreRefused) {
  WriteCertificate("a.example");
  Write("key", std::string(2 << 20, 'x'));
  EXPECT_TRUE(absl::StrContains(ErrorOfCreate(), "larger than 1 MiB")) << ErrorOfCreate();
}

TEST_F(TlsServerTest, ErrorsNameTheFileAndTheFault) {
  WriteCertificate("a.example");
  const TestCertificate other = MakeTestCertificate("a.example");
  Write("key", other.key);
  EXPECT_TRUE(absl::StrContains(ErrorOfCreate(), "the key is not that of the certificate")) << ErrorOfCreate();
  Write("key", other.certificate);
  EXPECT_TRUE(absl::StrContains(ErrorOfCreate(), absl::StrCat(PathOf("key"), ": no private key"))) << ErrorOfCreate();
  Write("cert", other.key);
  EXPECT_TRUE(absl::StrContains(ErrorOfCreate(), absl::StrCat(PathOf("cert"), ": no certificate"))) << ErrorOfCreate();
  ::unlink(PathOf("cert").c_str());
  EXPECT_TRUE(absl::StrContains(ErrorOfCreate(), absl::StrCat(PathOf("cert"), ": "))) << ErrorOfCreate();
}

TEST_F(TlsServerTest, CertificateThatHasExpiredIsServed) {
  const TestCertificate expired = MakeTestCertificate("old.example", absl::Seconds(-60));
  Write("cert", expired.certificate);
  Write("key", expired.key);
  const auto server = Create();
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(NameShownBy(**server), "old.example");
}

}  // namespace

}  // namespace polyserve
