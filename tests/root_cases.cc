// The root under every model: files that other programs hold, that can't be opened, and disks that say nothing. No
// client waits for them, and no other client notices.
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/every_model.h"
#include "tests/file_talk.h"
#include "tests/peer.h"
#include "tests/scratch.h"
#include "tests/tftp_peer.h"
#include "tests/tiny_disk.h"

namespace polyserve {

namespace {

// A write lease on a file (fcntl(2), F_SETLEASE), held by this process, which does not give it up when asked.
class Lease {
 public:
  explicit Lease(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
    ::signal(SIGIO, SIG_IGN);  // By which the kernel asks.
    EXPECT_EQ(::fcntl(fd_.get(), F_SETLEASE, F_WRLCK), 0);
  }

 private:
  const UniqueFd fd_;  // Its end is the lease's.
};

// For before_exec: the superuser, too, is held to the permissions of files.
void HeedPermissions() {
  ::prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0);
  ::prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0);
}

class RootTest : public EveryModelTest {
 protected:
  // The whole reply to a request on a connection of its own.
  std::string Http(absl::string_view method_and_target, absl::string_view fields = "", absl::string_view content = "") {
    Peer peer = Connect("http");
    peer.Send(
        absl::StrCat(method_and_target, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", fields, "\r\n", content));
    return peer.ReadToEnd();
  }

  std::string Store(absl::string_view target, absl::string_view content, absl::string_view fields = "") {
    return Http(absl::StrCat("PUT ", target), absl::StrCat(fields, "Content-Length: ", content.size(), "\r\n"),
                content);
  }

  std::string Tftp(absl::string_view request) {
    TftpPeer peer(server().address("tftp+udp"));
    peer.Send(TftpPacketOf(request));
    const std::optional<std::string> answer = peer.Receive();
    if (answer.has_value()) peer.Send(TftpPacketOf("ERROR 0 that was all"));
    return answer.has_value() ? DescribeTftpPacket(*answer) : "";
  }
};

TEST_F(RootTest, LeasedFileIsRefusedForTheMomentAndHoldsUpNobody) {
  root().Write("a", "hello");
  ServeAlso("tftp+udp");
  StartServer();
  {
    const Lease lease(root().PathOf("a"));
    const std::string reply = Http("GET /a");
    EXPECT_TRUE(absl::StartsWith(reply, "HTTP/1.1 503 ")) << reply;
    EXPECT_TRUE(absl::StrContains(reply, "\r\nRetry-After: 1\r\n")) << reply;
    EXPECT_TRUE(absl::StartsWith(Http("HEAD /a"), "HTTP/1.1 503 "));
    {
      Peer file = Connect("file");
      EXPECT_EQ(Get(file, "a").code(), "ERR 503");
      EXPECT_EQ(Ask(file, "R a 0 1").code(), "ERR 503");
      EXPECT_TRUE(absl::StartsWith(Ask(file, "S a").line, "OK 5 ")) << "a look is no use of the file";
    }
    EXPECT_TRUE(absl::StartsWith(Tftp("RRQ a octet"), "ERROR 0 "));
    EXPECT_TRUE(absl::StartsWith(Store("/a", "new", "If-None-Match: *\r\n"), "HTTP/1.1 412 "));
    ExpectServesOthers();
  }
  EXPECT_TRUE(absl::EndsWith(Http("GET /a"), "\r\n\r\nhello"));
}

TEST_F(RootTest, WhatIsNoRegularFileIsRefusedAtOnce) {
  ASSERT_EQ(::mkfifo(root().PathOf("fifo").c_str(), 0600), 0);
  StartServer();
  EXPECT_TRUE(absl::StartsWith(Http("GET /fifo"), "HTTP/1.1 403 "));
  EXPECT_TRUE(absl::StartsWith(Store("/fifo", "new"), "HTTP/1.1 403 "));
  Peer file = Connect("file");
  EXPECT_EQ(Get(file, "fifo").code(), "ERR 403");
  EXPECT_EQ(Ask(file, "S fifo").code(), "ERR 403");
}

TEST_F(RootTest, IndexThatCannotBeServedIsNotReplacedByAListing) {
  for (absl::string_view directory : {"secret", "directory", "fifo", "outside", "nowhere", "leased"}) {
    root().MakeDirectory(directory);
    root().Write(absl::StrCat(directory, "/neighbour"), "x");
  }
  root().Write("index.html", "secret");
  root().Write("secret/index.html", "secret");
  root().Write("leased/index.html", "hello");
  for (absl::string_view name : {"index.html", "secret/index.html"}) ::chmod(root().PathOf(name).c_str(), 0);
  root().MakeDirectory("directory/index.html");
  ASSERT_EQ(::mkfifo(root().PathOf("fifo/index.html").c_str(), 0600), 0);
  std::filesystem::create_symlink("/etc/hostname", root().PathOf("outside/index.html"));
  std::filesystem::create_symlink("none", root().PathOf("nowhere/index.html"));
  const Lease lease(root().PathOf("leased/index.html"));
  StartServer({.flags = {}, .before_exec = &HeedPermissions});
  for (absl::string_view target : {"/", "/secret/", "/directory/", "/fifo/", "/outside/", "/nowhere/"}) {
    const std::string reply = Http(absl::StrCat("GET ", target));
    EXPECT_TRUE(absl::StartsWith(reply, "HTTP/1.1 403 ")) << target << ": " << reply;
    EXPECT_FALSE(absl::StrContains(reply, "neighbour")) << target;
  }
  EXPECT_TRUE(absl::StartsWith(Http("GET /leased/"), "HTTP/1.1 503 "));
}

TEST_F(RootTest, DiskThatReportsNoSpaceAtAllIsTried) {
  const std::string path = root().path();
  if (!CanMountTinyDisk(path)) GTEST_SKIP() << "this system does not let us mount a disk";
  ServeAlso("tftp+udp");
  StartServer({.flags = {}, .before_exec = MountTinyDisk(path, kNoBound)});
  EXPECT_TRUE(absl::StartsWith(Store("/a", std::string(10'000, 'x')), "HTTP/1.1 201 "));
  {
    Peer file = Connect("file");
    EXPECT_EQ(Put(file, "b", std::string(10'000, 'x')).line, "OK 0");
  }
  EXPECT_EQ(Tftp("WRQ c octet tsize=10000"), "OACK tsize=10000");
}

}  // namespace

}  // namespace polyserve
