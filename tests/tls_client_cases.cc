// Independent clients of TLS, against every model, and programs that look for what is weak.
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/every_model.h"
#include "tests/scratch.h"
#include "tests/tool.h"

namespace polyserve {

namespace {

constexpr size_t kLargeBytes = 3 << 20;

class TlsClientsTest : public EveryModelTest {
 protected:
  // A certificate for each kind of key: which ciphers a server has depends on that as well.
  void SetUp() override {
    EveryModelTest::SetUp();
    if (IsSkipped()) return;
    root().Write("a.txt", "hello");
    root().Write("large.bin", large_);
    MakeCertificate("elliptic", {"ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"});
    MakeCertificate("rsa", {"rsa:2048"});
    here_.Write("both.pem", absl::StrCat(here_.Read("elliptic.crt"), here_.Read("rsa.crt")));
    ServeAlso("http+tls");
    ServeAlso("file+tls");
    StartServer({absl::StrCat("--tls_cert=", here_.PathOf("elliptic.crt"), ",", here_.PathOf("rsa.crt")),
                 absl::StrCat("--tls_key=", here_.PathOf("elliptic.key"), ",", here_.PathOf("rsa.key"))});
  }

  void MakeCertificate(const std::string& name, const std::vector<std::string>& key) {
    std::vector<std::string> command = {
        "openssl", "req",   "-x509",         "-nodes",  "-days",
        "1",       "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"};
    command.insert(command.end(), {"-keyout", name + ".key", "-out", name + ".crt", "-newkey"});
    command.insert(command.end(), key.begin(), key.end());
    Run(command);
  }

  std::string Url(absl::string_view path) { return absl::StrCat("https://", server().address("http+tls"), path); }
  std::string PortOf(absl::string_view service) {
    const std::string address = server().address(service);
    return address.substr(address.rfind(':') + 1);
  }

  // Runs it in here(), and expects that it succeeds. Returns what it has printed.
  std::string Run(const std::vector<std::string>& command, const std::string& input = "") {
    const ToolRun run = RunTool(command, here_.path(), input);
    EXPECT_EQ(run.exit_status, 0) << command[0] << ": " << run.output
                                  << (run.exit_status == 127 ? " (tools/setup --test installs it)" : "");
    return run.output;
  }
  std::string Curl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"curl", "-q", "-sS", "--max-time", "60", "--cacert", "both.pem"});
    return Run(arguments);
  }
  // A handshake by openssl s_client, with these arguments.
  ToolRun ShakeHands(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"openssl", "s_client", "-connect", server().address("http+tls"), "-servername",
                                         "localhost", "-CAfile", "both.pem"});
    return RunTool(arguments, here_.path());
  }

  const Scratch& here() const { return here_; }

  const std::string large_ = RandomBytes(kLargeBytes, 1);

 private:
  Scratch here_;
};

TEST_F(TlsClientsTest, CurlGetsAndPuts) {
  EXPECT_EQ(Curl({Url("/a.txt")}), "hello");
  EXPECT_EQ(Curl({"--tls-max", "1.2", Url("/a.txt")}), "hello");
  EXPECT_EQ(Curl({"-r", "1-3", Url("/a.txt"), "--next", "-sS", "--cacert", "both.pem", Url("/a.txt")}), "ellhello");
  Curl({"-o", "large", Url("/large.bin")});
  EXPECT_EQ(Sha256(here().Read("large")), Sha256(large_));
  Curl({"-T", "large", Url("/up.bin")});
  EXPECT_EQ(Sha256(root().Read("up.bin")), Sha256(large_));
}

TEST_F(TlsClientsTest, WgetGets) {
  Run({"wget", "--no-config", "-q", "--tries=1", "--timeout=60", "--ca-certificate=both.pem", Url("/large.bin")});
  EXPECT_EQ(Sha256(here().Read("large.bin")), Sha256(large_));
}

TEST_F(TlsClientsTest, LftpListsGetsAndPuts) {
  here().Write("up.txt", "from lftp");
  const std::string listing =
      Run({"lftp", "--norc", "-c",
           absl::StrCat("set net:max-retries 1; set net:timeout 60; set ssl:ca-file both.pem; open ", Url("/"),
                        "; cls -1; get large.bin; put up.txt")});
  EXPECT_TRUE(absl::StrContains(listing, "a.txt")) << listing;
  EXPECT_EQ(Sha256(here().Read("large.bin")), Sha256(large_));
  EXPECT_EQ(root().Read("up.txt"), "from lftp");
}

TEST_F(TlsClientsTest, PythonsSslWorks) {
  const std::string script = absl::StrCat(std::filesystem::current_path().string(), "/tests/clients/tls_client.py");
  EXPECT_EQ(Run({"python3", script, "127.0.0.1", PortOf("http+tls"), PortOf("file+tls"), "both.pem"}), "done\n");
}

TEST_F(TlsClientsTest, OpensslFindsAllInOrder) {
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    const ToolRun run = ShakeHands({version, "-verify_return_error"});
    EXPECT_EQ(run.exit_status, 0) << run.output;
    EXPECT_TRUE(absl::StrContains(run.output, "Verify return code: 0 (ok)")) << run.output;
    EXPECT_TRUE(absl::StrContains(run.output, "Secure Renegotiation IS")) << run.output;
    EXPECT_TRUE(absl::StrContains(run.output, "Compression: NONE")) << run.output;
  }
}

// With the client's own level of security off: it asks for all of these, and the server refuses.
TEST_F(TlsClientsTest, OldVersionsAndWeakCiphersAreRefused) {
  const auto expect_refused = [this](std::vector<std::string> arguments) {
    const ToolRun run = ShakeHands(arguments);
    EXPECT_NE(run.exit_status, 0) << run.output;
    EXPECT_TRUE(absl::StrContains(run.output, "alert")) << arguments.front() << ": " << run.output;
  };
  for (const char* version : {"-tls1", "-tls1_1"}) expect_refused({version, "-cipher", "ALL:@SECLEVEL=0"});
  // Without forward secrecy, with CBC, without a certificate, without encryption.
  for (const char* ciphers : {"kRSA", "AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA",
                              "ECDHE-RSA-AES256-SHA384", "ECDHE-ECDSA-AES256-CCM8", "kDHE", "aNULL", "eNULL"}) {
    expect_refused({"-tls1_2", "-cipher", absl::StrCat(ciphers, ":@SECLEVEL=0")});
  }
  for (const char* group : {"P-521", "ffdhe2048"}) expect_refused({"-tls1_3", "-groups", group});
  EXPECT_EQ(ShakeHands({"-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"}).exit_status, 0);
}

// The lines of a report that begin so.
std::vector<std::string> LinesWith(absl::string_view report, absl::string_view beginning) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(report, '\n')) {
    if (absl::StartsWith(line, beginning)) lines.emplace_back(line);
  }
  return lines;
}

TEST_F(TlsClientsTest, SslscanFindsNothingWeak) {
  const std::string report = Run({"sslscan", "--no-colour", "--sni-name=localhost", server().address("http+tls")});
  for (const char* version : {"SSLv2 ", "SSLv3 ", "TLSv1.0 ", "TLSv1.1 "}) {
    ASSERT_EQ(LinesWith(report, version).size(), 1u) << report;
    EXPECT_TRUE(absl::EndsWith(LinesWith(report, version)[0], " disabled")) << report;
  }
  std::vector<std::string> ciphers = LinesWith(report, "Accepted");
  for (const std::string& line : LinesWith(report, "Preferred")) ciphers.push_back(line);
  EXPECT_EQ(ciphers.size(), 3u + 6u) << report;
  for (const std::string& line : ciphers) {
    EXPECT_TRUE(absl::StrContains(line, "_GCM_") || absl::StrContains(line, "-GCM-") ||
                absl::StrContains(line, "POLY1305"))
        << line;
  }
  EXPECT_TRUE(absl::StrContains(report, "Server supports TLS Fallback SCSV")) << report;
  EXPECT_TRUE(absl::StrContains(report, "Session renegotiation not supported")) << report;
  EXPECT_FALSE(absl::StrContains(report, " vulnerable") && !absl::StrContains(report, "not vulnerable")) << report;
}

}  // namespace

}  // namespace polyserve
