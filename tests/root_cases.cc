// The root under every model: files that other programs hold, that can't be opened, and disks that say nothing. No
// client waits for them, and no other client notices.
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/at_once.h"
#include "tests/eventually.h"
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
    peer.Send(absl::StrCat(method_and_target, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", fields, "\r\n",
                           content));
    return peer.ReadToEnd();
  }

  // The reply of a connection that stays open, with a content of three bytes.
  static std::string Reply(Peer& peer) {
    std::string head;
    while (!absl::EndsWith(head, "\r\n\r\n")) {
      const std::string line = peer.ReadLine();
      if (line.empty()) return head;
      head += line;
    }
    return head + peer.Read(3);
  }

  std::string Store(absl::string_view target, absl::string_view content, absl::string_view fields = "") {
    return Http(absl::StrCat("PUT ", target), absl::StrCat(fields, "Content-Length: ", content.size(), "\r\n"),
                content);
  }

  static std::string FieldOf(absl::string_view reply, absl::string_view name) {
    const size_t begin = reply.find(absl::StrCat("\r\n", name, ": "));
    if (begin == absl::string_view::npos) return "";
    const absl::string_view value = reply.substr(begin + 2 + name.size() + 2);
    return std::string(value.substr(0, value.find('\r')));
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
    // While another process holds the lease, open(2) blocks until it is given up, or fails with EWOULDBLOCK if it was
    // told not to block (fcntl(2), Leases).
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

// Opening a FIFO for reading blocks until it has a writer (fifo(7)), and this one never has.
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
  StartServer({.flags = {"--tftp_writes"}, .before_exec = MountTinyDisk(path, kNoBound)});
  EXPECT_TRUE(absl::StartsWith(Store("/a", std::string(10'000, 'x')), "HTTP/1.1 201 "));
  {
    Peer file = Connect("file");
    EXPECT_EQ(Put(file, "b", std::string(10'000, 'x')).line, "OK 0");
  }
  EXPECT_EQ(Tftp("WRQ c octet tsize=10000"), "OACK tsize=10000");
}

TEST_F(RootTest, OfTwoUploadsThatNameOneStateOneIsStored) {
  constexpr int kRounds = 25;
  root().Write("a", "first");
  StartServer();
  for (int round = 0; round < kRounds; ++round) {
    // Both uploads name the same state, so whichever comes second must find it gone.
    const std::string tag = FieldOf(Http("HEAD /a"), "ETag");
    std::vector<std::string> codes(2);
    RunAtOnce(2, [&](int i) {
      codes[i] = Store("/a", absl::StrCat(round, " by ", i), absl::StrCat("If-Match: ", tag, "\r\n")).substr(9, 3);
    });
    std::sort(codes.begin(), codes.end());
    EXPECT_EQ(codes, (std::vector<std::string>{"204", "412"})) << "round " << round;
  }
}

TEST_F(RootTest, UploadAwaitsItsTurnInTheDirectoryAndHoldsUpNobody) {
  ServeAlso("tftp+udp");
  StartServer({"--tftp_writes"});
  UniqueFd directory(::open(root().path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // The lock by which uploads take turns (files/library.h). This process opens the directory for itself, so its lock is
  // another's to the server.
  const auto lock = [&] { ASSERT_EQ(::flock(directory.get(), LOCK_EX), 0); };
  const auto unlock = [&] { ASSERT_EQ(::flock(directory.get(), LOCK_UN), 0); };
  const auto upload = [&](absl::string_view service, absl::string_view request, absl::string_view reply) {
    lock();
    Peer peer = Connect(service);
    peer.Send(request);
    if (can().keeps_clients_apart) {
      for (int i = 0; i < 3; ++i) ExpectServesOthers();
    }
    EXPECT_FALSE(std::filesystem::exists(root().PathOf(service)));
    unlock();
    EXPECT_EQ(peer.Read(reply.size()), reply);
    EXPECT_EQ(root().Read(service), "hello");
  };
  upload("http", "PUT /http HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 201 Created\r\n");
  upload("file", "P file 5\nhelloS file\n", "OK 0\nOK 5 ");
  lock();
  TftpPeer tftp(server().address("tftp+udp"));
  tftp.Send(TftpPacketOf("WRQ tftp octet"));
  EXPECT_EQ(DescribeTftpPacket(tftp.Receive().value_or("")), "ACK 0");
  tftp.Send(TftpPacketOf("DATA 1 hello"));
  if (can().keeps_clients_apart) ExpectServesOthers();
  EXPECT_FALSE(std::filesystem::exists(root().PathOf("tftp")));
  unlock();
  EXPECT_EQ(DescribeTftpPacket(tftp.Receive().value_or("")), "ACK 1");
  EXPECT_EQ(root().Read("tftp"), "hello");
}

TEST_F(RootTest, TagTellsAChangeThatKeepsSizeAndTime) {
  root().Write("a", "first");
  StartServer();
  const std::string tag = FieldOf(Http("HEAD /a"), "ETag");
  const auto time = std::filesystem::last_write_time(root().PathOf("a"));
  root().Write("a", "other");
  // Any program can set the time of the last write. The time of the last change (ctime, inode(7)) it cannot, and the
  // tag contains that.
  std::filesystem::last_write_time(root().PathOf("a"), time);
  EXPECT_TRUE(absl::EndsWith(Http("GET /a", absl::StrCat("If-None-Match: ", tag, "\r\n")), "\r\n\r\nother"));
  EXPECT_TRUE(
      absl::EndsWith(Http("GET /a", absl::StrCat("Range: bytes=2-\r\nIf-Range: ", tag, "\r\n")), "\r\n\r\nother"));
  EXPECT_TRUE(absl::StartsWith(Store("/a", "mine", absl::StrCat("If-Match: ", tag, "\r\n")), "HTTP/1.1 412 "));
}

TEST_F(RootTest, CompressedNeighbourIsSentOnlyIfAsked) {
  root().Write("a", "plain");
  StartServer();
  root().Write("a.gz", "packed");
  const std::string reply = Http("GET /a", "Accept-Encoding: gzip\r\n");
  EXPECT_TRUE(absl::EndsWith(reply, "\r\n\r\nplain")) << reply;
  EXPECT_EQ(FieldOf(reply, "Vary"), "");
}

TEST_F(RootTest, RootThatIsSwitchedIsServedAfterAHangUp) {
  for (absl::string_view version : {"one", "two"}) {
    root().MakeDirectory(version);
    root().Write(absl::StrCat(version, "/a"), version);
  }
  const std::string current = root().PathOf("current");
  const auto lead_to = [&](absl::string_view version) {
    std::filesystem::create_directory_symlink(std::string(version), current + ".new");
    std::filesystem::rename(current + ".new", current);
  };
  const auto served = [this] { return Http("GET /a"); };
  lead_to("one");
  ServeFrom(current);
  StartServer();
  Peer stays = Connect("http");
  const std::string get = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";
  if (can().keeps_clients_apart) {
    stays.Send(get);
    EXPECT_TRUE(absl::StrContains(Reply(stays), "one"));
  } else {
    stays.Reset();
  }
  lead_to("two");
  EXPECT_TRUE(absl::EndsWith(served(), "one")) << "nobody is ahead of the others";
  server().Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return absl::EndsWith(served(), "two"); }));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(absl::EndsWith(served(), "two"));
  if (can().keeps_clients_apart) {
    stays.Send(get);
    EXPECT_TRUE(absl::StrContains(Reply(stays), "two"));
    stays.Reset();
  }
  EXPECT_TRUE(absl::StartsWith(Store("/b", "stored"), "HTTP/1.1 201 "));
  EXPECT_EQ(root().Read("two/b"), "stored");
}

TEST_F(RootTest, RootThatIsMissingAtAHangUpStaysAndOneThatIsRebuiltIsServed) {
  const std::string path = root().PathOf("current");
  root().MakeDirectory("current");
  root().Write("current/a", "old");
  ServeFrom(path);
  StartServer();
  std::filesystem::rename(path, path + ".old");
  server().Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(server().log(), "still serving the previous directory"); }));
  EXPECT_TRUE(absl::EndsWith(Http("GET /a"), "old"));
  root().MakeDirectory("current");
  root().Write("current/a", "new");
  server().Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return absl::EndsWith(Http("GET /a"), "new"); }));
}

TEST_F(RootTest, LargeListingIsWholeAndSortedThoughItIsMadeInParts) {
  constexpr int kFiles = 2000;  // With names as long as these, more than are sorted in memory.
  const std::string start = absl::StrCat("a file whose name is ", std::string(150, 'l'), "ong, number ");
  std::string lines, names;
  for (int i = 0; i < kFiles; ++i) {
    // 7 and 2000 have no common factor: each number comes once, and in no order that a file system could keep by
    // chance.
    const std::string name = absl::StrCat(start, 10'000 + (i * 7) % kFiles);
    const UniqueFd created(::open(root().PathOf(name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    const timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    ::utimensat(AT_FDCWD, root().PathOf(name).c_str(), times, 0);
    const std::string sorted = absl::StrCat(start, 10'000 + i);
    absl::StrAppend(&lines, sorted, "\t0\t1000000000\n");
    absl::StrAppend(&names, sorted, "#");
  }
  StartServer();
  {
    Peer unread = can().keeps_clients_apart ? Connect("file") : Peer("");
    if (unread.connected()) unread.Send("L\n");
    Peer peer = Connect("file");
    EXPECT_TRUE(Ask(peer, "L").body == lines);
    EXPECT_EQ(Get(peer, "none").code(), "ERR 404") << "in step";
  }
  {
    Peer unframed = Connect("file-unframed");
    unframed.Send("L");
    EXPECT_EQ(unframed.Read(2), "OK");
    EXPECT_TRUE(unframed.Read(names.size()) == names);
  }
  const std::string page = Http("GET /");
  const std::string content = page.substr(std::min(page.size(), page.find("\r\n\r\n") + 4));
  EXPECT_EQ(FieldOf(page, "Content-Length"), absl::StrCat(content.size()));
  EXPECT_EQ(FieldOf(Http("HEAD /"), "Content-Length"), absl::StrCat(content.size()));
  EXPECT_TRUE(absl::StrContains(content, "number 11999</a>"));
  EXPECT_TRUE(absl::EndsWith(content, "</html>\n"));
}

}  // namespace

}  // namespace polyserve
