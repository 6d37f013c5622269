// The client over TLS, against the real server: its commands, the room, and how it says who its user is.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/tls/test_certificate.h"
#include "tests/program_path.h"
#include "tests/scratch.h"
#include "tests/server_process.h"
#include "tests/tool.h"

namespace polyserve {

namespace {

// Of "token", at the lowest cost.
constexpr absl::string_view kTokenHash = "$2b$04$abcdefghijklmnopqrstuuXW5JZg9aMqUYNJxQVUKvcx/Agx.PPZe";

class ClientTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    const TestCertificate own = MakeTestCertificate("ada");
    here_.Write("server.pem", absl::StrCat(certificate_.key, certificate_.certificate));
    here_.Write("ada.pem", absl::StrCat(own.key, own.certificate));
    here_.Write("users", absl::StrCat("*::read chat\nada:!:read,write\nbob:", kTokenHash, ":read,write\n"));
    here_.Write("password", "token\n");
    root_.Write("a", "hello");
  }

  std::vector<std::string> ServerFlags(std::vector<std::string> more = {}) const {
    std::vector<std::string> flags = {"--model=epoll", absl::StrCat("--root=", root_.path()),
                                      "--listen=file+tls://127.0.0.1:0,chat+tls://127.0.0.1:0",
                                      absl::StrCat("--tls_cert=", here_.PathOf("server.pem"))};
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  }
  // That has users, and asks its clients for certificates.
  std::vector<std::string> FlagsWithUsers() const {
    return ServerFlags({absl::StrCat("--auth_file=", here_.PathOf("users")),
                        absl::StrCat("--tls_client_ca=", here_.PathOf("ada.pem")), "--tls_client_cert=optional"});
  }

  // Runs it in here_, with these arguments, against this server.
  ToolRun Client(const std::string& server, std::vector<std::string> arguments, const std::string& input = "") const {
    arguments.insert(arguments.begin(), {ProgramPath("client/client"), absl::StrCat("--server=", server)});
    return RunTool(arguments, here_.path(), input);
  }

  const TestCertificate certificate_ = MakeTestCertificate("localhost");
  Scratch root_, here_;
};

TEST_F(ClientTlsTest, CommandsWorkAsInTheClear) {
  const ServerProcess server({.flags = ServerFlags()});
  const std::string url = absl::StrCat("file+tls://", server.address("file+tls"));
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.emplace_back("--tls_ca=server.pem");
    const ToolRun result = Client(url, std::move(arguments));
    EXPECT_EQ(result.exit_status, 0) << result.output;
    return result.output;
  };
  const std::string large = RandomBytes(2'000'000, 1);
  here_.Write("large", large);
  EXPECT_TRUE(absl::StrContains(run({"list"}), "a"));
  EXPECT_EQ(run({"get", "a", "-o", "-", "--quiet"}), "hello");
  run({"put", "large"});
  EXPECT_EQ(Sha256(root_.Read("large")), Sha256(large));
  run({"get", "large", "-o", "whole", absl::StrCat("--sha256=", Sha256(large))});
  EXPECT_EQ(Sha256(here_.Read("whole")), Sha256(large));
  run({"get", "large", "-o", "parts", "--segments=3"});
  EXPECT_EQ(Sha256(here_.Read("parts")), Sha256(large));
  const std::string address = server.address("file+tls");
  run({"get", "large", "-o", "shared", absl::StrCat("--from=", url, ",", address)});
  EXPECT_EQ(Sha256(here_.Read("shared")), Sha256(large));
  here_.MakeDirectory("photos");
  here_.Write("photos/b", "picture");
  run({"backup", "photos"});
  EXPECT_EQ(root_.Read("b"), "picture");
}

TEST_F(ClientTlsTest, RefusedUploadLeavesTheConnectionInStep) {
  const ServerProcess server({.flags = ServerFlags({"--max_file_bytes=1000"})});
  here_.Write("large", RandomBytes(900'000, 1));
  const ToolRun run =
      Client(absl::StrCat("file+tls://", server.address("file+tls")), {"--tls_ca=server.pem"}, "put large\nget a\n");
  EXPECT_EQ(here_.Read("a"), "hello") << run.output;
  EXPECT_EQ(run.exit_status, 1) << run.output;
}

TEST_F(ClientTlsTest, RoomIsJoined) {
  const ServerProcess server({.flags = ServerFlags()});
  const std::string url = absl::StrCat("chat+tls://", server.address("chat+tls"));
  const ToolRun run = Client(url, {"--tls_ca=server.pem", "chat", "ada"}, "hi\n##\n");
  EXPECT_EQ(run.exit_status, 0) << run.output;
}

TEST_F(ClientTlsTest, UserIsWhomThePasswordOrTheCertificateNames) {
  const ServerProcess server({.flags = FlagsWithUsers()});
  const std::string url = absl::StrCat("file+tls://", server.address("file+tls"));
  here_.Write("new", "text");
  const auto put = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--tls_ca=server.pem", "put", "new"});
    return Client(url, std::move(arguments)).exit_status;
  };
  EXPECT_EQ(put({}), 1);
  EXPECT_EQ(put({"--tls_cert=ada.pem"}), 0);
  EXPECT_EQ(put({"--user=bob", "--password_file=password"}), 0);
  EXPECT_EQ(put({"--user=ada", "--password_file=password"}), 1) << "ada has no password";
}

TEST_F(ClientTlsTest, ServerThatIsNotTrustedIsNotSpokenTo) {
  const ServerProcess server({.flags = ServerFlags()});
  const std::string address = server.address("file+tls");
  here_.Write("other.pem", MakeTestCertificate("localhost").certificate);
  for (const std::vector<std::string>& trusting : {std::vector<std::string>(), {"--tls_ca=other.pem"}}) {
    std::vector<std::string> arguments = trusting;
    arguments.insert(arguments.end(), {"get", "a"});
    const ToolRun run = Client(absl::StrCat("file+tls://", address), arguments);
    EXPECT_EQ(run.exit_status, 3) << run.output;
    EXPECT_TRUE(absl::StrContains(run.output, "certificate is not trusted")) << run.output;
  }
  // A name that makes the command longer than the head of a record, for which the server would wait.
  EXPECT_EQ(Client(absl::StrCat("file://", address), {"get", "some file"}).exit_status, 3) << "it speaks no TLS";
}

TEST_F(ClientTlsTest, FlagsThatDoNothingAreRefused) {
  const auto refusal = [&](const std::string& server, const std::vector<std::string>& arguments) {
    const ToolRun run = Client(server, arguments);
    EXPECT_EQ(run.exit_status, 2) << run.output;
    return run.output;
  };
  EXPECT_TRUE(absl::StrContains(refusal("file://127.0.0.1:1", {"--tls_ca=server.pem", "list"}), "file+tls://"));
  EXPECT_TRUE(absl::StrContains(refusal("file+tls://127.0.0.1:1", {"--tls_key=ada.pem", "list"}), "--tls_cert=FILE"));
  EXPECT_TRUE(absl::StrContains(refusal("file+tls://127.0.0.1:1", {"--tls_ca=none.pem", "list"}), "none.pem"));
  EXPECT_TRUE(absl::StrContains(
      refusal("file+tls://127.0.0.1:1", {"--tls_ca=server.pem", "--from=file://127.0.0.1:1", "get", "a"}), "--from"));
}

}  // namespace

}  // namespace polyserve
