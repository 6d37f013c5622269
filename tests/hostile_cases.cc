// Clients that take more than their share: they never read, never send, or never stop. What they cost is bounded, and
// the others are served.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
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

class HostileTest : public EveryModelTest {
 protected:
  // Starts the server, and notes what one of its processes needs to serve a client that behaves.
  void StartMeasured(const std::vector<std::string>& flags = {}) {
    StartServer(flags);
    Peer peer = Connect("file");
    EXPECT_EQ(Ask(peer, "L").code().substr(0, 3), "OK ");
    usual_memory_ = server().PeakMemoryBytes();
  }

  // Expects that no process of the server has ever needed much more than that.
  void ExpectBoundedMemory() {
    constexpr int64_t kAllowance = 8 << 20;
    if (kSanitized) return;  // A sanitizer's memory is no measure.
    EXPECT_GT(usual_memory_, 0);
    EXPECT_LT(server().PeakMemoryBytes(), usual_memory_ + kAllowance);
  }

 private:
  int64_t usual_memory_ = 0;
};

TEST_F(HostileTest, DownloadOfAnySizeNeedsNoMemory) {
  constexpr size_t kSize = 256 * kMebibyte;
  root().WriteZeroes("large", kSize);
  StartMeasured();
  Peer peer = Connect("file");
  peer.Send("G large\n");
  EXPECT_EQ(peer.ReadLine(), absl::StrCat("OK ", kSize, "\n"));
  for (size_t left = kSize; left > 0; left -= kMebibyte) ASSERT_EQ(peer.Read(kMebibyte).size(), kMebibyte);
  ExpectBoundedMemory();
}

TEST_F(HostileTest, UploadOfAnySizeNeedsNoMemory) {
  constexpr size_t kSize = 256 * kMebibyte;
  StartMeasured();
  Peer peer = Connect("file");
  peer.Send(absl::StrCat("P large ", kSize, "\n"));
  const std::string piece(kMebibyte, 'x');
  for (size_t left = kSize; left > 0; left -= kMebibyte) ASSERT_TRUE(peer.Send(piece));
  EXPECT_EQ(peer.ReadLine(), "OK 0\n");
  EXPECT_EQ(Ask(peer, "S large").line.substr(0, 12), absl::StrCat("OK ", kSize));
  ExpectBoundedMemory();
}

TEST_F(HostileTest, ClientThatNeverReadsCostsNoMemoryAndHindersNobody) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: it waits for this client alone";
  root().WriteZeroes("large", 64 * kMebibyte);
  StartMeasured();
  std::vector<Peer> peers;
  for (int i = 0; i < 8; ++i) {
    peers.push_back(Connect("file"));
    // The second request waits in the server's input while the first reply is not read: that, too, must be bounded.
    peers.back().Send("G large\nG large\n");
    EXPECT_EQ(peers.back().ReadLine(), absl::StrCat("OK ", 64 * kMebibyte, "\n"));
  }
  ExpectServesOthers();
  ExpectBoundedMemory();
  for (Peer& peer : peers) peer.Reset();
}

TEST_F(HostileTest, FloodOfRequestsWithoutReadingIsHeldBackAndHindersNobody) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: it waits for this client alone";
  for (int i = 0; i < 200; ++i) root().Write(absl::StrCat("file ", i), "small");
  root().WriteZeroes("large", 64 * kMebibyte);
  StartMeasured();
  constexpr const char* kRequests[] = {"L\n", "G large\n", "G file 1\n", "R file 1 0 0\n", "S none\n", "X\n"};
  std::vector<Peer> peers;
  for (size_t i = 0; i < std::size(kRequests); ++i) peers.push_back(Connect("file"));
  RunAtOnce(static_cast<int>(peers.size()), [&](int i) {
    const size_t client = static_cast<size_t>(i);
    std::string requests;
    while (requests.size() < 100'000) requests += kRequests[client];
    peers[client].SendUntilStuck(requests, 16 * kMebibyte);
  });
  ExpectServesOthers();
  ExpectBoundedMemory();
  for (Peer& peer : peers) peer.Reset();
}

TEST_F(HostileTest, FloodOfEchoWithoutReadingIsHeldBackAndHindersNobody) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: it waits for this client alone";
  StartMeasured();
  Peer peer = Connect("echo");
  peer.SendUntilStuck(std::string(64 * 1024, 'x'), 64 * kMebibyte);
  ExpectServesOthers();
  ExpectBoundedMemory();
  peer.Reset();
}

TEST_F(HostileTest, SilentClientsKeepNobodyOut) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: a client that stays keeps the others out";
  StartServer();
  // The first one is being served when the others come. If none were yet, a server of one client at a time could take
  // the last one first.
  std::vector<Peer> silent;
  silent.push_back(Connect("echo"));
  EXPECT_TRUE(IsServed(silent.back()));
  for (int i = 0; i < 20; ++i) silent.push_back(Connect("file"));
  ExpectServesOthers();
}

TEST_F(HostileTest, SilentClientIsFollowedByTheNextAsSoonAsItLeaves) {
  StartServer();
  Peer first = Connect("echo");
  first.Send("first");
  EXPECT_EQ(first.Read(5), "first");
  Peer second = Connect("echo");
  second.Send("second");
  first.HalfClose();
  EXPECT_EQ(second.Read(6), "second");
}

TEST_F(HostileTest, IdleTimeoutClosesTheSilentAndNotTheActive) {
  constexpr absl::Duration kTimeout = absl::Milliseconds(kSanitized ? 5000 : 500);
  const absl::Duration kActive = 2.5 * kTimeout;  // So that it would pass twice.
  StartServer({absl::StrCat("--idle_timeout=", absl::FormatDuration(kTimeout))});
  const absl::Time last_try = absl::Now() + kPatience;
  absl::Time sent_before = absl::Now();
  absl::Time end = sent_before + kActive;
  Peer active = Connect("echo");
  while (absl::Now() < end) {
    const absl::Time now = absl::Now();
    active.Send("x");
    const absl::Duration silence = absl::Now() - std::exchange(sent_before, now);  // At most, as the server sees it.
    if (active.Read(1) != "x") {  // Right if a busy machine has kept this client from sending.
      ASSERT_GE(silence, kTimeout) << "an active client was closed";
      ASSERT_LT(absl::Now(), last_try) << "this client never got round to sending in time";
      sent_before = absl::Now();
      end = sent_before + kActive;
      active = Connect("echo");
    }
    absl::SleepFor(kTimeout / 20);
  }
  Peer silent = Connect("echo");
  EXPECT_TRUE(active.AwaitClose());  // As it is silent now.
  EXPECT_TRUE(silent.AwaitClose());
  ExpectServesOthers();
}

TEST_F(HostileTest, IdleTimeoutClosesWhoeverNeverReads) {
  root().WriteZeroes("large", 64 * kMebibyte);
  StartServer({"--idle_timeout=300ms"});
  NoteFootprint();
  Peer peer = Connect("file");
  peer.Send("G large\n");
  Peer other = Connect("echo");  // Under loop this one waits until the first is closed.
  other.Send("ping");
  EXPECT_EQ(other.Read(4), "ping");
  ExpectFootprint();
}

}  // namespace

}  // namespace polyserve
