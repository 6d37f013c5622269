// --durability=fsync under every model, on a disk that forgets what was not flushed (forgetful_disk.cc): what was
// acknowledged is there as a whole if power is lost just then, and nothing else is there in part.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/at_once.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/file_talk.h"
#include "tests/peer.h"
#include "tests/program_path.h"
#include "tests/scratch.h"
#include "tests/tftp_peer.h"

namespace polyserve {

namespace {

class DurabilityTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    if (kSanitized) GTEST_SKIP() << "a sanitizer's library has to be the first that is loaded";
  }

  void StartOnDisk(std::vector<std::string> flags = {"--durability=fsync"}) {
    StartServer({.flags = std::move(flags),
                 .environment = {absl::StrCat("LD_PRELOAD=", ProgramPath("tests/forgetful_disk.so")),
                                 absl::StrCat("POLYSERVE_DISK=", disk_.path())}});
  }

  // What is left if power is lost now: the names of the directory beneath the root, with what each leads to.
  std::vector<std::pair<std::string, std::string>> NamesLeft(absl::string_view directory = "") const {
    std::vector<std::pair<std::string, std::string>> names;
    const std::string lines = disk_.Read(absl::StrCat("directory-", InodeOf(directory)));
    for (const absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
      names.push_back(absl::StrSplit(line, absl::MaxSplits(' ', 1)));
    }
    return names;
  }
  // The content of a file; nothing if the name is not there, or the file was never synced.
  std::optional<std::string> Left(absl::string_view name, absl::string_view directory = "") const {
    for (const auto& [inode, known] : NamesLeft(directory)) {
      if (known == name) return Content(inode);
    }
    return std::nullopt;
  }
  std::optional<std::string> Content(absl::string_view inode) const {
    const std::string file = absl::StrCat("file-", inode);
    if (!std::filesystem::exists(disk_.PathOf(file))) return std::nullopt;
    return disk_.Read(file);
  }

  // The calls so far, of those in a row that are alike one alone.
  std::string Calls() const {
    std::vector<std::string> calls = absl::StrSplit(disk_.Read("calls"), '\n', absl::SkipEmpty());
    calls.erase(std::unique(calls.begin(), calls.end()), calls.end());
    return absl::StrJoin(calls, ", ");
  }

  // The status of the reply: "201".
  std::string PutByHttp(absl::string_view name, absl::string_view content) {
    Peer peer(server().address("http"));
    peer.Send(absl::StrCat("PUT /", name, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ",
                           content.size(), "\r\n\r\n", content));
    const std::string reply = peer.ReadToEnd();
    return reply.size() < 12 ? "" : reply.substr(9, 3);
  }

  const Scratch& disk() const { return disk_; }

 private:
  uint64_t InodeOf(absl::string_view directory) const {
    struct stat info = {};
    EXPECT_EQ(::stat(root().PathOf(directory).c_str(), &info), 0);
    return info.st_ino;
  }

  Scratch disk_;
};

TEST_F(DurabilityTest, ContentComesBeforeTheNameAndBothBeforeTheReply) {
  StartOnDisk();
  EXPECT_EQ(PutByHttp("a", "first"), "201");
  EXPECT_EQ(Calls(), "write, sync content, name, sync directory");
  EXPECT_EQ(PutByHttp("a", "second"), "204");
  EXPECT_TRUE(absl::EndsWith(Calls(), "sync directory, write, sync content, name, sync directory")) << Calls();
}

TEST_F(DurabilityTest, WhatIsAcknowledgedIsLeftWhenPowerIsLost) {
  ServeAlso("tftp+udp");
  StartOnDisk({"--durability=fsync", "--tftp_writes"});
  const std::string large = RandomBytes(300'000, 1);
  EXPECT_EQ(PutByHttp("http", large), "201");
  EXPECT_EQ(Left("http"), large);
  EXPECT_EQ(PutByHttp("http", "replaced"), "204");
  EXPECT_EQ(Left("http"), "replaced");
  {
    Peer peer = Connect("file");
    EXPECT_EQ(Put(peer, "file", large).line, "OK 0");
    EXPECT_EQ(Left("file"), large);
    EXPECT_EQ(Ask(peer, "D directory").line, "OK 0");
    EXPECT_EQ(Put(peer, "directory/file", "hello").line, "OK 0");
    const auto names = NamesLeft();
    EXPECT_TRUE(std::any_of(names.begin(), names.end(), [](const auto& name) { return name.second == "directory"; }));
    EXPECT_EQ(Left("file", "directory"), "hello");
  }
  TftpPeer tftp(server().address("tftp+udp"));
  tftp.Send(TftpPacketOf("WRQ tftp octet"));
  EXPECT_EQ(DescribeTftpPacket(tftp.Receive().value_or("")), "ACK 0");
  tftp.Send(TftpPacketOf("DATA 1 hello"));
  EXPECT_EQ(DescribeTftpPacket(tftp.Receive().value_or("")), "ACK 1");
  EXPECT_EQ(Left("tftp"), "hello");
}

// So the cases above would notice.
TEST_F(DurabilityTest, WithoutTheFlagAcknowledgedUploadsAreForgotten) {
  StartOnDisk({});
  EXPECT_EQ(PutByHttp("a", "hello"), "201");
  EXPECT_EQ(root().Read("a"), "hello");
  EXPECT_EQ(Left("a"), std::nullopt);
  EXPECT_EQ(Calls(), "write, name");
}

// Power is lost while uploads are under way, some of them of one name.
TEST_F(DurabilityTest, NothingIsLeftInPart) {
  constexpr int kClients = 4;
  constexpr int kUploads = 12;
  constexpr int kUploadsUntilTheEnd = kClients * kUploads / 2;
  StartOnDisk();
  const auto content = [](int client, int upload) { return RandomBytes(20'000, 100 * client + upload); };
  std::atomic<int> acknowledged{0};
  std::vector<int> last(kClients, -1);  // The last upload of each that was acknowledged.
  RunAtOnce(kClients + 1, [&](int client) {
    if (client == kClients) {
      EXPECT_TRUE(Eventually([&] { return acknowledged >= kUploadsUntilTheEnd; }));
      server().Signal(SIGKILL);
      return;
    }
    for (int i = 0; i < kUploads; ++i) {
      if (PutByHttp("shared", content(client, i)).empty()) return;
      if (PutByHttp(absl::StrCat(client), content(client, i)).empty()) return;
      last[client] = i;
      ++acknowledged;
    }
  });
  EXPECT_EQ(server().AwaitExit(), 128 + SIGKILL);
  EXPECT_TRUE(Eventually([this] { return server().processes().empty(); }));
  for (int client = 0; client < kClients; ++client) {
    if (last[client] < 0) continue;
    const std::optional<std::string> left = Left(absl::StrCat(client));
    // The next one may have got as far, without having been acknowledged.
    EXPECT_TRUE(left == content(client, last[client]) || left == content(client, last[client] + 1)) << client;
  }
  for (const auto& [inode, name] : NamesLeft()) {
    if (name[0] == '.') continue;  // The directory itself, the one above it, and temporary names, which are not served.
    const std::optional<std::string> left = Content(inode);
    EXPECT_EQ(left.value_or("").size(), 20'000u) << name;
  }
}

TEST_F(DurabilityTest, SlowDiskHoldsUpNoOtherClient) {
  if (!can().keeps_clients_apart || !can().computes_apart) GTEST_SKIP() << "by design, as for long work";
  StartOnDisk();
  disk().Write("stuck", "");
  Peer peer = Connect("http");
  peer.Send("PUT /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(Calls(), "write"); }));
  for (int i = 0; i < 3; ++i) ExpectServesOthers();
  EXPECT_FALSE(std::filesystem::exists(root().PathOf("a")));
  std::filesystem::remove(disk().PathOf("stuck"));
  EXPECT_TRUE(absl::StartsWith(peer.ReadToEnd(), "HTTP/1.1 201 "));
  EXPECT_EQ(Left("a"), "hello");
}

}  // namespace

}  // namespace polyserve
