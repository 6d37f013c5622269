// Files on their way: many at once, large ones, ones that are replaced meanwhile, and peers that break off.
#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/at_once.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/file_talk.h"
#include "tests/peer.h"
#include "tests/scratch.h"

namespace polyserve {

namespace {

constexpr size_t kMebibyte = 1 << 20;

class TransferTest : public EveryModelTest {
 protected:
  // Expects that after all clients have left nothing is in the root but these.
  void ExpectOnlyFiles(const std::vector<std::string>& names) {
    EXPECT_TRUE(Eventually([&] { return root().Names() == names; }));
  }
};

TEST_F(TransferTest, ManyAtOnceGetBackWhatTheyPut) {
  constexpr int kClients = 32;
  std::vector<size_t> sizes = {0, 1, 64 * kMebibyte};
  std::mt19937 random(5);
  while (sizes.size() < kClients) sizes.push_back(random() % (2 * kMebibyte));
  StartServer();
  RunAtOnce(kClients, [this, &sizes](int i) {
    const std::string bytes = RandomBytes(sizes[static_cast<size_t>(i)], static_cast<unsigned>(i));
    const std::string name = absl::StrCat("file ", i);
    Peer peer = Connect("file");
    EXPECT_EQ(Put(peer, name, bytes).line, "OK 0") << name;
    EXPECT_EQ(Sha256(Get(peer, name).body), Sha256(bytes)) << name;
  });
}

TEST_F(TransferTest, OneOfSeveralPutsOfANameIsThereWhole) {
  constexpr int kClients = 8;
  constexpr int kRounds = 10;
  // The first letter tells whose content it is, and the length differs as well: a mixture of two would equal none.
  const auto body = [](int i) {
    return std::string(kMebibyte / 4 + static_cast<size_t>(i), static_cast<char>('a' + i));
  };
  root().Write("a", body(0));
  StartServer();
  RunAtOnce(kClients, [this, &body](int i) {
    for (int round = 0; round < kRounds; ++round) {
      Peer peer = Connect("file");
      EXPECT_EQ(Put(peer, "a", body(i)).line, "OK 0");
      const std::string found = Get(peer, "a").body;
      ASSERT_FALSE(found.empty());
      EXPECT_TRUE(found == body(found[0] - 'a')) << found.size() << " bytes";
    }
  });
  ExpectOnlyFiles({"a"});
}

TEST_F(TransferTest, ReaderOfAFileThatIsReplacedSeesTheOldOneWhole) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: the one who replaces has to wait for the reader";
  // More than the sockets hold, so that the server is still sending when the file is replaced.
  const std::string before = RandomBytes(32 * kMebibyte, 6);
  const std::string after = RandomBytes(kMebibyte, 7);
  root().Write("a", before);
  StartServer();
  Peer reader = Connect("file");
  reader.Send("G a\n");
  ASSERT_EQ(reader.ReadLine(), absl::StrCat("OK ", before.size(), "\n"));
  Peer writer = Connect("file");
  EXPECT_EQ(Put(writer, "a", after).line, "OK 0");
  EXPECT_EQ(Sha256(reader.Read(before.size())), Sha256(before));
  EXPECT_EQ(Sha256(Get(reader, "a").body), Sha256(after));
}

TEST_F(TransferTest, UploadThatBreaksOffLeavesTheOldFileAndNothingElse) {
  root().Write("a", "first");
  StartServer();
  for (const bool reset : {false, true}) {
    Peer peer = Connect("file");
    peer.Send(absl::StrCat("P a ", kMebibyte, "\n"));
    peer.Send(std::string(kMebibyte / 2, 'x'));
    // An abort and an end: recv(2) fails with ECONNRESET in one case, and returns 0 in the other.
    if (reset) {
      peer.Reset();
    } else {
      peer.HalfClose();
      EXPECT_EQ(peer.ReadToEnd(), "");
    }
    ExpectServesOthers();
  }
  ExpectOnlyFiles({"a"});
  EXPECT_EQ(root().Read("a"), "first");
}

TEST_F(TransferTest, DownloadThatBreaksOffHarmsNobody) {
  root().WriteZeroes("large", 64 * kMebibyte);
  StartServer();
  for (int i = 0; i < 5; ++i) {
    Peer peer = Connect("file");
    peer.Send("G large\n");
    EXPECT_EQ(peer.Read(100'000).size(), 100'000u);
    Peer other = Connect("file");
    other.Send("S none\n");
    if (!can().keeps_clients_apart) peer.Reset();
    EXPECT_EQ(other.ReadLine(), "ERR 404 there is no such file\n");
    peer.Reset();
    EXPECT_EQ(Ask(other, "S none").code(), "ERR 404");
  }
}

TEST_F(TransferTest, EchoThatBreaksOffHarmsNobody) {
  StartServer();
  Peer peer = Connect("echo");
  peer.SendUntilStuck(std::string(64 * 1024, 'x'), 32 * kMebibyte);
  peer.Reset();
  ExpectServesOthers();
}

}  // namespace

}  // namespace polyserve
