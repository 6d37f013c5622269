// The file service, command by command, with every reply that protocol/file.h promises.
#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/every_model.h"
#include "tests/file_talk.h"
#include "tests/peer.h"
#include "tests/scratch.h"
#include "tests/tiny_disk.h"

namespace polyserve {

namespace {

constexpr size_t kMebibyte = 1 << 20;

class FileTest : public EveryModelTest {
 protected:
  // Asks for what is served, as a check that requests and replies are in step.
  void ExpectInStep(Peer& peer) {
    const FileReply reply = Get(peer, "a");
    EXPECT_EQ(reply.line, "OK 5");
    EXPECT_EQ(reply.body, "first");
  }

  // The right "OK <size> <mtime>".
  std::string StatLine(absl::string_view name) {
    struct stat info = {};
    ::stat(root().PathOf(name).c_str(), &info);
    return absl::StrCat("OK ", info.st_size, " ", info.st_mtim.tv_sec);
  }
};

TEST_F(FileTest, ListNamesTheVisibleRegularFilesInOrder) {
  root().Write("b", "123");
  root().Write("a b", "");
  root().Write("\u6587", "1");
  root().Write(".hidden", "1");
  root().MakeDirectory("directory");
  ASSERT_EQ(::mkfifo(root().PathOf("fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("/etc/passwd", root().PathOf("outside"));
  StartServer();
  Peer peer = Connect("file");
  std::string expected;
  for (absl::string_view name : {"a b", "b", "\u6587"}) {
    const std::string stat = StatLine(name);  // "OK <size> <mtime>"
    const size_t space = stat.rfind(' ');
    absl::StrAppend(&expected, name, "\t", stat.substr(3, space - 3), "\t", stat.substr(space + 1), "\n");
  }
  EXPECT_EQ(Ask(peer, "L").body, expected);
}

TEST_F(FileTest, ListOfAnEmptyLibraryIsEmpty) {
  StartServer();
  Peer peer = Connect("file");
  EXPECT_EQ(Ask(peer, "L").line, "OK 0");
}

TEST_F(FileTest, StatTellsSizeAndTime) {
  root().Write("a", "first");
  root().Write("with space", "");
  StartServer();
  Peer peer = Connect("file");
  EXPECT_EQ(Ask(peer, "S a").line, StatLine("a"));
  EXPECT_EQ(Ask(peer, "S with space").line, StatLine("with space"));
  EXPECT_EQ(Ask(peer, "S none").code(), "ERR 404");
}

TEST_F(FileTest, GetSendsTheFileAndRangeItsPart) {
  const std::string bytes = RandomBytes(100'000, 3);
  root().Write("a", bytes);
  root().Write("empty", "");
  StartServer();
  Peer peer = Connect("file");
  EXPECT_EQ(Sha256(Get(peer, "a").body), Sha256(bytes));
  EXPECT_EQ(Get(peer, "empty").line, "OK 0");
  EXPECT_EQ(Get(peer, "none").code(), "ERR 404");
  EXPECT_EQ(Ask(peer, "R a 0 10").body, bytes.substr(0, 10));
  EXPECT_EQ(Ask(peer, "R a 99990 10").body, bytes.substr(99'990));
  EXPECT_EQ(Ask(peer, "R a 99990 11").line, "OK 10");
  EXPECT_EQ(Ask(peer, "R a 100000 1").line, "OK 0");
  EXPECT_EQ(Ask(peer, "R a 5 0").line, "OK 0");
  EXPECT_EQ(Ask(peer, "R a 9223372036854775807 9223372036854775807").line, "OK 0");
  EXPECT_EQ(Ask(peer, "R none 0 1").code(), "ERR 404");
}

TEST_F(FileTest, PutStoresReplacesAndEmpties) {
  StartServer();
  Peer peer = Connect("file");
  const std::string large = RandomBytes(3 * kMebibyte + 1, 4);
  for (const std::string& bytes : {std::string("x"), large, std::string("not a line\nP q 3\n"), std::string()}) {
    EXPECT_EQ(Put(peer, "with space", bytes).line, "OK 0");
    EXPECT_EQ(Sha256(root().Read("with space")), Sha256(bytes));
    EXPECT_EQ(Sha256(Get(peer, "with space").body), Sha256(bytes));
  }
  EXPECT_EQ(root().Names(), std::vector<std::string>{"with space"});
}

TEST_F(FileTest, DirectoriesMayBePartOfANameButMustBeThere) {
  root().MakeDirectory("directory");
  StartServer();
  Peer peer = Connect("file");
  EXPECT_EQ(Put(peer, "directory/a", "first").line, "OK 0");
  EXPECT_EQ(Get(peer, "directory/a").body, "first");
  EXPECT_EQ(Put(peer, "none/a", "first").code(), "ERR 409");
  EXPECT_EQ(Put(peer, "directory", "first").code(), "ERR 409");
  EXPECT_EQ(Get(peer, "directory/none").code(), "ERR 404");
}

TEST_F(FileTest, QuitClosesAndWhatFollowsItIsIgnored) {
  root().Write("a", "first");
  StartServer();
  Peer peer = Connect("file");
  peer.Send("S none\nQ\nG a\n");
  EXPECT_EQ(peer.ReadToEnd(), "ERR 404 there is no such file\n");
  EXPECT_TRUE(peer.was_closed());
}

struct Refusal {
  std::string command;
  std::string code;
};

// A request for each way to be refused without losing step. BadRequestsAreRefusedAndTheConnectionGoesOn makes the
// files.
std::vector<Refusal> Refusals() {
  return {
      // Names that are none, or lead out.
      {"G ..", "ERR 400"},
      {"G a/../a", "ERR 400"},
      {"G ./a", "ERR 400"},
      {"G /etc/passwd", "ERR 400"},
      {"G ", "ERR 400"},
      {"G directory//a", "ERR 400"},
      {"G a/", "ERR 400"},
      {std::string("G a\0b", 5), "ERR 400"},
      {"G a\rb", "ERR 400"},
      {"G \xff\xfe", "ERR 400"},
      {"G \xc0\xae\xc0\xae", "ERR 400"},  // ".." in a form of UTF-8 that is forbidden.
      {absl::StrCat("G ", std::string(5000, 'x')), "ERR 400"},
      {absl::StrCat("G ", std::string(300, 'x')), "ERR 400"},
      {"S ..", "ERR 400"},
      {"R .. 0 1", "ERR 400"},
      {"P .. 0", "ERR 400"},
      {"P /tmp/a 0", "ERR 400"},
      // What is there, but not served.
      {"G outside", "ERR 403"},
      {"G away/passwd", "ERR 403"},
      {"G .hidden", "ERR 403"},
      {"G directory", "ERR 403"},
      {"G fifo", "ERR 403"},
      {"S outside", "ERR 403"},
      {"P away/a 0", "ERR 403"},
      {"P outside 0", "ERR 403"},
      {"P fifo 0", "ERR 403"},
      {"P .hidden 0", "ERR 403"},
      {"P directory 0", "ERR 409"},
      // Numbers that are missing or none.
      {"P  0", "ERR 400"},
      {"R a", "ERR 400"},
      {"R a 1", "ERR 400"},
      {"R a -1 1", "ERR 400"},
      {"R a 0 -1", "ERR 400"},
      {"R a 0 x", "ERR 400"},
      {"R a 99999999999999999999 1", "ERR 400"},
      {"R a 0 9223372036854775808", "ERR 400"},
      // Commands that are none.
      {"", "ERR 400"},
      {"X", "ERR 400"},
      {"G", "ERR 400"},
      {"l", "ERR 400"},
      {"L a", "ERR 400"},
      {"GET a", "ERR 400"},
      {" G a", "ERR 400"},
      {"G\ta", "ERR 400"},
  };
}

TEST_F(FileTest, BadRequestsAreRefusedAndTheConnectionGoesOn) {
  root().Write("a", "first");
  root().Write(".hidden", "1");
  root().MakeDirectory("directory");
  ASSERT_EQ(::mkfifo(root().PathOf("fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("/etc/passwd", root().PathOf("outside"));
  std::filesystem::create_symlink("/etc", root().PathOf("away"));
  StartServer();
  Peer peer = Connect("file");
  for (const Refusal& refusal : Refusals()) {
    EXPECT_EQ(Ask(peer, refusal.command).code(), refusal.code) << refusal.command;
    ExpectInStep(peer);
  }
  EXPECT_EQ(root().Read("a"), "first");
}

// Each is refused, and nothing behind it carried out.
TEST_F(FileTest, MalformedPutAndOtherProtocolsEndTheConnection) {
  root().Write("a", "first");
  StartServer();
  for (absl::string_view command :
       {"P a", "P a ", "P a -1", "P a +1", "P a 0x10", "p a 3", "\x16\x03\x01", "GET /a HTTP/1.1"}) {
    Peer peer = Connect("file");
    peer.Send(absl::StrCat(command, "\r\n\r\nG a\nP new 1\nx"));
    const std::string reply = peer.ReadToEnd();
    EXPECT_TRUE(absl::StartsWith(reply, "ERR 400 ")) << command;
    EXPECT_FALSE(absl::StrContains(reply, "first")) << command;
    EXPECT_TRUE(peer.was_closed()) << command;
  }
  EXPECT_EQ(root().Names().size(), 1u);
}

TEST_F(FileTest, RefusedPutStaysInStep) {
  root().Write("a", "first");
  StartServer();
  Peer peer = Connect("file");
  for (const size_t size : {size_t{1}, size_t{70'000}, kMebibyte}) {
    // Line ends, because each would be a command, and would be answered, if the content were not discarded.
    EXPECT_EQ(Put(peer, "../a", std::string(size, '\n')).code(), "ERR 400") << size;
    ExpectInStep(peer);
  }
}

TEST_F(FileTest, LargePutThatIsRefusedEndsWithTheReason) {
  StartServer();
  Peer peer = Connect("file");
  // More than FileSession::kMaxDiscardBytes, so that the server closes instead of reading all of it.
  const std::string body(2 * kMebibyte, 'x');
  EXPECT_EQ(Put(peer, "../a", body).code(), "ERR 400");
  EXPECT_EQ(peer.ReadToEnd(), "");
  EXPECT_TRUE(peer.was_closed());
}

TEST_F(FileTest, HugePutIsRefusedBeforeItsBody) {
  StartServer();
  for (absl::string_view size : {"9223372036854775807", "99999999999999999999999999"}) {
    Peer peer = Connect("file");
    EXPECT_EQ(Ask(peer, absl::StrCat("P a ", size)).code(), "ERR 413") << size;
    EXPECT_TRUE(peer.AwaitClose());
  }
  EXPECT_TRUE(root().Names().empty());
}

TEST_F(FileTest, OverlongLineEndsWithTheReason) {
  StartServer();
  Peer peer = Connect("file");
  peer.Send(std::string(100 * 1024, 'G'));
  EXPECT_TRUE(absl::StartsWith(peer.ReadLine(), "ERR 400 "));
  EXPECT_TRUE(peer.AwaitClose());
  ExpectServesOthers();
}

TEST_F(FileTest, UploadOverTheLimitIsRefused) {
  root().Write("a", "first");
  StartServer({"--max_file_bytes=1000"});
  Peer peer = Connect("file");
  EXPECT_EQ(Put(peer, "b", std::string(1001, 'x')).code(), "ERR 413");
  EXPECT_EQ(Put(peer, "b", std::string(1000, 'x')).line, "OK 0");
  ExpectInStep(peer);
}

TEST_F(FileTest, ReadOnlyLibraryTakesNoUploads) {
  root().Write("a", "first");
  StartServer({"--read_only"});
  Peer peer = Connect("file");
  EXPECT_EQ(Put(peer, "a", "other").code(), "ERR 405");
  ExpectInStep(peer);
}

TEST_F(FileTest, FullDiskIsToldAndTheConnectionGoesOn) {
  const std::string path = root().path();
  if (!CanMountTinyDisk(path)) GTEST_SKIP() << "this system does not let us mount a tiny disk";
  StartServer({.flags = {}, .before_exec = MountTinyDisk(path)});
  Peer peer = Connect("file");
  EXPECT_EQ(Put(peer, "a", "first").line, "OK 0");
  EXPECT_EQ(Put(peer, "large", std::string(kMebibyte, 'x')).code(), "ERR 507");
  ExpectInStep(peer);
  // The second is begun while there is still room for it, which the first then takes.
  Peer other = can().keeps_clients_apart ? Connect("file") : Peer("");
  if (other.connected()) {
    const std::string most(700'000, 'x');
    other.Send(absl::StrCat("P second ", most.size(), "\n"));
    other.Send(absl::string_view(most).substr(0, 1));
    EXPECT_EQ(Put(peer, "most", most).line, "OK 0");
    other.Send(absl::string_view(most).substr(1));
    EXPECT_TRUE(absl::StartsWith(other.ReadLine(), "ERR 507 "));
    ExpectInStep(other);
  }
}

}  // namespace

}  // namespace polyserve
