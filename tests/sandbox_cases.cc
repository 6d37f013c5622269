// --sandbox=on under every model: all services work in it, every process of the server is in it, and what SIGHUP and
// SIGUSR2 ask for goes as far as it lets them.
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/file_talk.h"
#include "tests/http_origin.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/scratch.h"
#include "tests/scripted_server.h"
#include "tests/tftp_peer.h"

namespace polyserve {

namespace {

class SandboxTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    if (kSanitized) GTEST_SKIP() << "LeakSanitizer traces its own process, which the sandbox forbids";
    const ServerRun run = RunServer({"--check", "--sandbox=on", absl::StrCat("--root=", root().path())});
    if (run.exit_status != 0) GTEST_SKIP() << run.log;
    root().Write("a", "hello");
  }

  void StartInSandbox(std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), "--sandbox=on");
    StartServer(std::move(flags));
  }

  std::string Http(absl::string_view method_and_target, absl::string_view content = "") {
    Peer peer = Connect("http");
    peer.Send(absl::StrCat(method_and_target, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ",
                           content.size(), "\r\n\r\n", content));
    return peer.ReadToEnd();
  }

  // Expects that every process of the server has a filter of system calls (proc(5)).
  void ExpectAllAreRestricted() {
    AwaitQuiet();
    for (const pid_t process : server().processes()) {
      const std::string status = ReadProc(process, "status");
      EXPECT_TRUE(status.empty() || absl::StrContains(status, "\nSeccomp:\t2\n")) << status;
    }
  }
};

TEST_F(SandboxTest, OtherServersThatAreNamedCanBeAskedInIt) {
  const ScriptedServer other;
  ServeAlso("relay");
  StartInSandbox({absl::StrCat("--relay_to=", other.address())});
  ExpectAllAreRestricted();
  Peer peer = Connect("relay");
  peer.Send("RELAY 1 say hello\n");
  EXPECT_EQ(peer.ReadLine(), "hello\n");
}

TEST_F(SandboxTest, ServicesWorkInIt) {
  ServeAlso("tftp+udp");
  StartInSandbox({"--tftp_writes"});
  ExpectServesOthers();
  EXPECT_TRUE(absl::EndsWith(Http("GET /a"), "\r\n\r\nhello"));
  for (int i = 0; i < 2; ++i) {
    const std::string stored = Http("PUT /b", absl::StrCat("version ", i));
    EXPECT_TRUE(absl::StartsWith(stored, i == 0 ? "HTTP/1.1 201 " : "HTTP/1.1 204 ")) << stored;
    EXPECT_EQ(root().Read("b"), absl::StrCat("version ", i));
  }
  EXPECT_TRUE(absl::StrContains(Http("GET /"), "<a href=\"./a\""));
  const std::string status = Http("GET /-/status");
  EXPECT_TRUE(absl::StrContains(status, "\"rss_bytes\": ")) << status;
  {
    Peer file = Connect("file");
    EXPECT_EQ(Get(file, "a").body, "hello");
    EXPECT_EQ(Put(file, "c", "new").line, "OK 0");
    EXPECT_EQ(Ask(file, "D directory").code(), "OK 0");
    EXPECT_EQ(Put(file, "directory/d", "new").line, "OK 0");
    EXPECT_TRUE(absl::StrContains(Ask(file, "L").body, "c"));
  }
  {
    Peer compute = Connect("compute");
    compute.Send("PRIMES 100\n");
    EXPECT_EQ(compute.ReadLine(), "OK 1060\n");
  }
  TftpPeer tftp(server().address("tftp+udp"));
  tftp.Send(TftpPacketOf("WRQ e octet"));
  EXPECT_EQ(DescribeTftpPacket(tftp.Receive().value_or("")), "ACK 0");
  tftp.Send(TftpPacketOf("DATA 1 hello"));
  EXPECT_EQ(DescribeTftpPacket(tftp.Receive().value_or("")), "ACK 1");
  EXPECT_EQ(root().Read("e"), "hello");
}

TEST_F(SandboxTest, RoomWorksInItAndEveryProcessIsInIt) {
  ServeAlso("chat");
  StartInSandbox();
  Peer ada = Connect("chat");
  ada.Send("L ada\n");
  EXPECT_TRUE(absl::StartsWith(ada.ReadLine(), "OK"));
  if (can().keeps_clients_apart) {
    Peer bob = Connect("chat");
    bob.Send("L bob\n");
    EXPECT_TRUE(absl::StrContains(ada.ReadLine(), "bob"));
    ExpectServesOthers();
  }
  ExpectAllAreRestricted();
}

TEST_F(SandboxTest, LibraryThatIsReadOnlyIsServed) {
  StartInSandbox({"--read_only"});
  EXPECT_TRUE(absl::EndsWith(Http("GET /a"), "\r\n\r\nhello"));
  EXPECT_TRUE(absl::StartsWith(Http("PUT /b", "new"), "HTTP/1.1 405 "));
}

// As logrotate(8) and editors do it: the old file is renamed, and another one takes its name.
TEST_F(SandboxTest, FilesThatWereReplacedAreReadAtAHangUp) {
  const Scratch settings, logs;
  settings.Write("users", "*::read\n");
  StartInSandbox(
      {absl::StrCat("--auth_file=", settings.PathOf("users")), absl::StrCat("--access_log=", logs.PathOf("log"))});
  EXPECT_TRUE(absl::EndsWith(Http("GET /a"), "\r\n\r\nhello"));
  settings.Write("new", "*::read:/public\n");
  std::filesystem::rename(settings.PathOf("new"), settings.PathOf("users"));
  std::filesystem::rename(logs.PathOf("log"), logs.PathOf("log.1"));
  server().Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return absl::StartsWith(Http("GET /a"), "HTTP/1.1 401 "); }));
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(logs.Read("log"), "GET /a HTTP/1.1\" 401 "); }));
  EXPECT_TRUE(absl::StrContains(logs.Read("log.1"), "GET /a HTTP/1.1\" 200 "));
}

TEST_F(SandboxTest, RootThatLeadsElsewhereIsRefusedAtAHangUp) {
  const Scratch elsewhere;
  elsewhere.Write("a", "of another directory");
  root().MakeDirectory("one");
  root().Write("one/a", "hello");
  const std::string current = root().PathOf("current");
  std::filesystem::create_directory_symlink("one", current);
  ServeFrom(current);
  StartInSandbox();
  EXPECT_TRUE(absl::EndsWith(Http("GET /a"), "\r\n\r\nhello"));
  std::filesystem::create_directory_symlink(elsewhere.path(), current + ".new");
  std::filesystem::rename(current + ".new", current);
  server().Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(server().log(), "still serving the previous directory"); }));
  EXPECT_TRUE(absl::EndsWith(Http("GET /a"), "\r\n\r\nhello"));
}

TEST_F(SandboxTest, UpgradeIsRefusedAndTheServerGoesOn) {
  StartInSandbox();
  server().Signal(SIGUSR2);
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(server().log(), "no upgrade: --sandbox=on"); }));
  ExpectServesOthers();
}

// By a process with a filter of its own: it stores files, and asks the one server, where others may do neither.
TEST_F(SandboxTest, FilesOfAnotherServerAreFetched) {
  HttpOrigin origin;
  origin.Start();
  origin.ServeFile("/pub/sub/b", "theirs");
  StartInSandbox({absl::StrCat("--upstream=http://", origin.address(), "/pub")});
  EXPECT_TRUE(absl::EndsWith(Http("GET /sub/b"), "\r\n\r\ntheirs"));
  EXPECT_TRUE(absl::EndsWith(Http("GET /a"), "\r\n\r\nhello"));
  ExpectAllAreRestricted();
}

}  // namespace

}  // namespace polyserve
