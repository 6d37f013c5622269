// Independent clients, against every model: what they send and expect does not depend on what we think of the protocol.
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
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

// Where this program's data is, as Bazel lays it out.
std::string DataPath(absl::string_view name) {
  return absl::StrCat(std::filesystem::current_path().string(), "/tests/clients/", name);
}

class ClientsTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    if (IsSkipped()) return;
    large_ = RandomBytes(kLargeBytes, 1);
    root().Write("a.txt", "hello");
    root().Write("large.bin", large_);
    StartServer();
  }

  std::string Url(absl::string_view path) { return absl::StrCat("http://", server().address("http"), path); }

  // Host and port of a service, as two arguments.
  std::vector<std::string> HostAndPort(absl::string_view service) {
    return absl::StrSplit(server().address(service), ':');
  }

  // Runs it in here(), and expects that it succeeds. Returns what it has printed.
  std::string Run(const std::vector<std::string>& command, const std::string& input = "") {
    const ToolRun run = RunTool(command, here_.path(), input);
    EXPECT_EQ(run.exit_status, 0) << command[0] << ": " << run.output
                                  << (run.exit_status == 127 ? " (tools/setup --test installs it)" : "");
    return run.output;
  }

  std::string Curl(std::vector<std::string> arguments, const std::string& input = "") {
    // -q has to come first (curl(1)): the user's own ~/.curlrc must not change what is tested.
    arguments.insert(arguments.begin(), {"curl", "-q", "-sS", "--max-time", "60"});
    return Run(arguments, input);
  }

  // The client's own directory.
  const Scratch& here() const { return here_; }

  std::string large_;

 private:
  Scratch here_;
};

constexpr char kCode[] = "%{http_code}";

TEST_F(ClientsTest, CurlGoesOnWhereADownloadWasCutOff) {
  here().Write("part", absl::string_view(large_).substr(0, kLargeBytes / 3));
  Curl({"-C", "-", "-o", "part", Url("/large.bin")});
  EXPECT_EQ(Sha256(here().Read("part")), Sha256(large_));
  EXPECT_EQ(Curl({"-C", "-", "-o", "part", "-w", kCode, Url("/large.bin")}), "416") << "it has all of it";
}

TEST_F(ClientsTest, CurlGetsRanges) {
  EXPECT_EQ(Curl({"-r", "1-3", Url("/a.txt")}), "ell");
  EXPECT_EQ(Curl({"-r", "-2", Url("/a.txt")}), "lo");
  EXPECT_EQ(Curl({"-r", "10-", "-o", "out", "-w", kCode, Url("/a.txt")}), "416");
  EXPECT_TRUE(absl::StrContains(Curl({"-r", "0-0,4-4", Url("/a.txt")}), "Content-Range: bytes 4-4/5"));
}

TEST_F(ClientsTest, CurlAsksOnlyForWhatHasChanged) {
  Curl({"-R", "-o", "copy", Url("/a.txt")});
  EXPECT_EQ(Curl({"-z", "copy", "-w", kCode, "-o", "copy", Url("/a.txt")}), "304");
  EXPECT_EQ(here().Read("copy"), "hello");
  EXPECT_EQ(Curl({"--etag-save", "tag", "-o", "copy", "-w", kCode, Url("/a.txt")}), "200");
  EXPECT_EQ(Curl({"--etag-compare", "tag", "-o", "copy2", "-w", kCode, Url("/a.txt")}), "304");
}

TEST_F(ClientsTest, CurlUploads) {
  here().Write("up.bin", large_);
  EXPECT_EQ(Curl({"-T", "up.bin", "-w", kCode, Url("/")}), "201");
  EXPECT_EQ(Sha256(root().Read("up.bin")), Sha256(large_));
  // From standard input, whose length curl does not know: so it sends chunks (RFC 9112, section 7.1).
  EXPECT_EQ(Curl({"-T", "-", "-w", kCode, Url("/chunks.bin")}, large_), "201");
  EXPECT_EQ(Sha256(root().Read("chunks.bin")), Sha256(large_));
  EXPECT_EQ(Curl({"-T", "up.bin", "-w", kCode, "-o", "out", Url("/.hidden")}), "403");
}

TEST_F(ClientsTest, CurlSpeaksOldHttp) {
  EXPECT_EQ(Curl({"-0", Url("/a.txt"), Url("/a.txt")}), "hellohello");
  EXPECT_EQ(Curl({"-0", "-H", "Connection: keep-alive", "-w", "%{num_connects}", Url("/a.txt"), Url("/a.txt")}),
            "hello1hello0");
}

TEST_F(ClientsTest, CurlGetsManyAtOnce) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: it keeps idle connections, and the others wait for them";
  std::vector<std::string> arguments = {"--parallel", "--parallel-max", "5"};
  for (int i = 0; i < 20; ++i) {
    arguments.insert(arguments.end(), {"-o", absl::StrCat("out", i), Url(i % 4 == 0 ? "/large.bin" : "/a.txt")});
  }
  Curl(arguments);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(here().Read(absl::StrCat("out", i)).size(), i % 4 == 0 ? kLargeBytes : 5) << i;
  }
}

TEST_F(ClientsTest, WgetGetsGoesOnAndFollowsPages) {
  root().MakeDirectory("sub");
  root().Write("sub/two words.txt", "deep");
  here().Write("large.bin", absl::string_view(large_).substr(0, 1000));
  const std::vector<std::string> wget = {"wget", "--no-config", "-q", "--tries=1", "--timeout=60"};
  const auto with = [&wget](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), wget.begin(), wget.end());
    return arguments;
  };
  Run(with({"-c", Url("/large.bin")}));
  EXPECT_EQ(Sha256(here().Read("large.bin")), Sha256(large_));
  Run(with({"-r", "-np", "-nH", Url("/sub/")}));
  EXPECT_EQ(here().Read("sub/two words.txt"), "deep");
  EXPECT_EQ(RunTool(with({"--spider", Url("/none")}), here().path()).exit_status, 8);
}

TEST_F(ClientsTest, LftpListsGetsAndPuts) {
  here().Write("up.txt", "from lftp");
  const std::string listing = Run({"lftp", "--norc", "-c",
                                   absl::StrCat("set net:max-retries 1; set net:timeout 60; open ", Url("/"),
                                                "; cls -1; get large.bin; put up.txt")});
  EXPECT_TRUE(absl::StrContains(listing, "a.txt")) << listing;
  EXPECT_EQ(Sha256(here().Read("large.bin")), Sha256(large_));
  EXPECT_EQ(root().Read("up.txt"), "from lftp");
}

TEST_F(ClientsTest, LftpGetsSegments) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: one connection waits for the other";
  Run({"lftp", "--norc", "-c",
       absl::StrCat("set net:max-retries 1; set net:timeout 60; pget -n 3 ", Url("/large.bin"), " -o out")});
  EXPECT_EQ(Sha256(here().Read("out")), Sha256(large_));
}

// ada may read and write all, with the password "secret"; others may do nothing.
class ClientsWithPasswordsTest : public ClientsTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();  // NOLINT(bugprone-parent-virtual-call): that of ClientsTest starts another server.
    if (IsSkipped()) return;
    root().Write("a.txt", "hello");
    users_.Write("users", "ada:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW:read,write\n");
    StartServer({absl::StrCat("--auth_file=", users_.PathOf("users"))});
  }

 private:
  Scratch users_;
};

TEST_F(ClientsWithPasswordsTest, CurlLogsIn) {
  here().Write("up.txt", "from curl");
  EXPECT_EQ(Curl({"-o", "out", "-w", kCode, Url("/a.txt")}), "401");
  EXPECT_EQ(Curl({"-u", "ada:wrong", "-o", "out", "-w", kCode, Url("/a.txt")}), "401");
  EXPECT_EQ(Curl({"-u", "ada:secret", Url("/a.txt"), Url("/a.txt")}), "hellohello");
  EXPECT_EQ(Curl({"--anyauth", "-u", "ada:secret", Url("/a.txt")}), "hello") << "by the challenge";
  EXPECT_EQ(Curl({"--oauth2-bearer", "ada.secret", Url("/a.txt")}), "hello");
  EXPECT_EQ(Curl({"-u", "ada:secret", "-T", "up.txt", "-w", kCode, Url("/")}), "201");
  EXPECT_EQ(Curl({"-T", "up.txt", "-o", "out", "-w", kCode, Url("/other.txt")}), "401");
  EXPECT_EQ(root().Names(), (std::vector<std::string>{"a.txt", "up.txt"}));
}

TEST_F(ClientsWithPasswordsTest, WgetLogsIn) {
  const std::vector<std::string> wget = {"wget", "--no-config", "-q", "--tries=1", "--timeout=60", Url("/a.txt")};
  EXPECT_EQ(RunTool(wget, here().path()).exit_status, 6) << "authentication failure";
  std::vector<std::string> with_password = wget;
  with_password.insert(with_password.end(), {"--user=ada", "--password=secret"});
  Run(with_password);
  EXPECT_EQ(here().Read("a.txt"), "hello");
}

TEST_F(ClientsWithPasswordsTest, LftpLogsIn) {
  here().Write("up.txt", "from lftp");
  Run({"lftp", "--norc", "-c",
       absl::StrCat("set net:max-retries 1; set net:timeout 60; open -u ada,secret ", Url("/"),
                    "; get a.txt; put up.txt")});
  EXPECT_EQ(here().Read("a.txt"), "hello");
  EXPECT_EQ(root().Read("up.txt"), "from lftp");
}

TEST_F(ClientsTest, WrkFindsNothingWrong) {
  const int connections = can().keeps_clients_apart ? 4 : 1;
  const std::string report = Run({"wrk", "-t1", absl::StrCat("-c", connections), "-d1s", Url("/a.txt")});
  EXPECT_TRUE(absl::StrContains(report, "Requests/sec")) << report;
  EXPECT_FALSE(absl::StrContains(report, "Socket errors")) << report;
  EXPECT_FALSE(absl::StrContains(report, "Non-2xx")) << report;
}

TEST_F(ClientsTest, NetcatSpeaksToAllThatIsText) {
  const auto nc = [this](absl::string_view service, const std::string& input) {
    // -N closes the sending side at the end of the input; without it, nc and the server would wait for each other.
    std::vector<std::string> command = {"nc", "-N"};
    for (const std::string& part : HostAndPort(service)) command.push_back(part);
    return Run(command, input);
  };
  EXPECT_EQ(nc("file", "G a.txt\nS none\nQ\n"), "OK 5\nhelloERR 404 there is no such file\n");
  EXPECT_EQ(nc("file-unframed", "G a.txt"), "OKhello##");
  EXPECT_EQ(nc("compute", "PRIMES 10\n"), "OK 17\n");
  EXPECT_EQ(nc("echo", "hello\n"), "hello\n");
  EXPECT_TRUE(absl::EndsWith(nc("http", "GET /a.txt HTTP/1.0\r\n\r\n"), "\r\n\r\nhello"));
}

TEST_F(ClientsTest, PythonsHttpClientsWork) {
  std::vector<std::string> command = {"python3", DataPath("http_client.py")};
  for (const std::string& part : HostAndPort("http")) command.push_back(part);
  EXPECT_EQ(Run(command), "done\n");
}

TEST_F(ClientsTest, PythonsWebSocketsChat) {
  // Debian's packages are for Debian's Python, whatever else PATH has.
  std::vector<std::string> command = {"/usr/bin/python3", DataPath("websocket_client.py")};
  for (const std::string& part : HostAndPort("http")) command.push_back(part);
  if (!can().keeps_clients_apart) command.emplace_back("alone");
  EXPECT_EQ(Run(command), "done\n");
}

TEST_F(ClientsTest, ClientsOfTheCourseListGetAndPut) {
  const std::string mine = absl::StrCat(large_.substr(0, 50'000), "##");
  std::vector<std::string> command = {"python3", DataPath("course_file_client.py")};
  for (const std::string& part : HostAndPort("file-unframed")) command.push_back(part);
  // Only silences part the dialect's commands and replies. A client that did not run during one finds two replies in
  // one piece, and waits for ever (protocol/file_unframed.h); on a busy machine that happens, so it has several
  // attempts.
  std::string output;
  for (int attempt = 0; attempt < 5 && !(absl::EndsWith(output, "bye\n") && root().Read("mine.bin") == mine);
       ++attempt) {
    here().Write("mine.bin", mine);
    // Each command comes as soon as the client is through with the one before it.
    output = RunTool(command, here().path(),
                     "list\nget a.txt\nget none\nput mine.bin\nlist\nget mine.bin\nput a.txt\nquit\n", kPatience / 5)
                 .output;
  }
  EXPECT_TRUE(absl::StartsWith(output, "a.txt\nlarge.bin\n")) << output;
  EXPECT_TRUE(absl::EndsWith(output,
                             "got a.txt\nrefused: there is no such file\nput mine.bin\na.txt\nlarge.bin\nmine.bin\n"
                             "got mine.bin\nput a.txt\nbye\n"))
      << output;
  EXPECT_EQ(here().Read("a.txt"), "hello");
  EXPECT_EQ(Sha256(root().Read("mine.bin")), Sha256(mine));
  EXPECT_EQ(Sha256(here().Read("mine.bin")), Sha256(mine));
}

}  // namespace

}  // namespace polyserve
