// Peers that are slow, and peers that are silent: one that reads or sends steadily is served however long that lasts,
// and one below --min_rate loses the connection, and frees the worker of a pool.
#include <signal.h>

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
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

// A reader's system acknowledges what it has read, and not much more, only if its buffer is small.
constexpr int kSmallBuffer = 4096;

// Long enough that a slow machine keeps pace with a tenth of it.
constexpr absl::Duration kIdleTimeout = absl::Milliseconds(kSanitized ? 2500 : 500);

class ProgressTest : public EveryModelTest {
 protected:
  Peer ConnectSlowly(absl::string_view service) { return Peer(server().address(service), kSmallBuffer); }

  // Asks for a file, and reads a bit of it ten times per idle time-out, for as long as several of them, then the rest;
  // expects all of it. Tries again if a busy machine has kept it from reading in time.
  void ExpectSteadyDownload(const std::string& name, size_t size) {
    const absl::Time last_try = absl::Now() + kPatience;
    const std::string expected = Sha256(root().Read(name));
    while (true) {
      Peer peer = ConnectSlowly("file");
      peer.Send(absl::StrCat("G ", name, "\n"));
      ASSERT_EQ(peer.ReadLine(), absl::StrCat("OK ", size, "\n"));
      bool was_in_time = true;
      std::string bytes = ReadSteadily(peer, was_in_time);
      bytes += peer.Read(size - bytes.size());
      if (Sha256(bytes) != expected && !was_in_time && absl::Now() < last_try) continue;
      EXPECT_EQ(Sha256(bytes), expected);
      EXPECT_EQ(Ask(peer, "S none").code(), "ERR 404");
      return;
    }
  }

  static std::string ReadSteadily(Peer& peer, bool& was_in_time) {
    constexpr size_t kBit = 2048;
    std::string bytes;
    absl::Time next = absl::Now();
    const absl::Time end = next + 3 * kIdleTimeout;
    while (next < end) {
      const std::string bit = peer.Read(kBit);
      if (bit.empty()) break;
      bytes += bit;
      next += kIdleTimeout / 10;
      absl::SleepFor(next - absl::Now());
      was_in_time = was_in_time && absl::Now() - next < kIdleTimeout / 2;
    }
    peer.EnlargeBuffer();
    return bytes;
  }

  // The largest rate that a test can be below for sure, and a window that ends soon.
  static std::vector<std::string> StrictFlags() {
    return {"--min_rate=1000000", "--min_rate_window=200ms", "--idle_timeout=inf"};
  }

  // Reads a little now and then until the connection has ended.
  static void ExpectIsCutOff(Peer& reader) {
    const absl::Time end = absl::Now() + kPatience;
    while (!reader.Read(256).empty() && absl::Now() < end) absl::SleepFor(absl::Milliseconds(10));
    EXPECT_TRUE(reader.was_reset() || reader.was_closed());
  }

  // Sends a byte now and then until the connection has ended.
  static void ExpectIsNotReadOn(Peer& writer) {
    const absl::Time end = absl::Now() + kPatience;
    while (writer.Send("x") && absl::Now() < end) absl::SleepFor(absl::Milliseconds(5));
    EXPECT_TRUE(writer.AwaitClose());
  }
};

// The socket takes more only once a third of its buffer is free, which takes longer than the idle time-out.
TEST_F(ProgressTest, DownloadThatIsTakenSteadilyOutlivesTheIdleTimeout) {
  root().Write("large", RandomBytes(kMebibyte, 1));
  StartServer({absl::StrCat("--idle_timeout=", absl::FormatDuration(kIdleTimeout)), "--socket_buffer=131072"});
  ExpectSteadyDownload("large", kMebibyte);
}

// The server has nothing unsent from the start, and its system has all.
TEST_F(ProgressTest, ReplyThatTheSystemTookAtOnceOutlivesTheIdleTimeout) {
  constexpr size_t kSize = 100'000;
  root().Write("small", RandomBytes(kSize, 2));
  StartServer({absl::StrCat("--idle_timeout=", absl::FormatDuration(kIdleTimeout)), "--socket_buffer=500000"});
  ExpectSteadyDownload("small", kSize);
}

TEST_F(ProgressTest, ReaderBelowTheLeastRateLosesTheConnection) {
  root().WriteZeroes("large", 64 * kMebibyte);
  StartServer(StrictFlags());
  NoteFootprint();
  for (const absl::string_view service : {"file", "http", "echo"}) {
    Peer peer = ConnectSlowly(service);
    if (service == "file") peer.Send("G large\n");
    if (service == "http") peer.Send("GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    if (service == "echo") peer.SendUntilStuck(std::string(64 * 1024, 'x'), 64 * kMebibyte);
    ExpectIsCutOff(peer);
  }
  ExpectServesOthers();
  ExpectFootprint();
}

// A stop interrupts a blocking send every 50 ms, more often than the send times out with these limits (250 ms).
TEST_F(ProgressTest, ReaderBelowTheLeastRateLosesTheConnectionAlsoDuringAStop) {
  root().WriteZeroes("large", 64 * kMebibyte);
  StartServer({"--min_rate=1000", "--min_rate_window=1s", "--idle_timeout=inf", "--drain_timeout=10m"});
  Peer peer = ConnectSlowly("file");
  peer.Send("G large\n");
  EXPECT_EQ(peer.ReadLine(), absl::StrCat("OK ", 64 * kMebibyte, "\n"));
  server().Signal(SIGTERM);
  ExpectCleanExit();
}

TEST_F(ProgressTest, UploadBelowTheLeastRateLosesTheConnectionAndLeavesNothing) {
  StartServer(StrictFlags());
  NoteFootprint();
  Peer framed = Connect("file");
  framed.Send("P a 100000\n");
  ExpectIsNotReadOn(framed);
  Peer unframed = Connect("file-unframed");
  unframed.Send("P b");
  EXPECT_EQ(unframed.Read(2), "OK");
  ExpectIsNotReadOn(unframed);
  Peer line = Connect("file");
  line.Send("S ");
  ExpectIsNotReadOn(line);
  ExpectServesOthers();
  ExpectFootprint();
  EXPECT_EQ(root().Names(), std::vector<std::string>{});
}

TEST_F(ProgressTest, UploadThatStallsLosesTheConnection) {
  StartServer(StrictFlags());
  Peer peer = Connect("file");
  peer.Send("P a 100000\nsome of it");
  EXPECT_TRUE(peer.AwaitClose());
  ExpectServesOthers();
}

TEST_F(ProgressTest, UploadAboveTheLeastRateIsTakenHoweverLongItLasts) {
  constexpr int kPieces = 20;
  StartServer({"--min_rate=10", absl::StrCat("--min_rate_window=", absl::FormatDuration(kIdleTimeout))});
  const absl::Time last_try = absl::Now() + kPatience;
  std::string answer;
  bool was_in_time = false;
  while (answer.empty() && !was_in_time &&
         absl::Now() < last_try) {  // A busy machine may keep us from sending in time.
    Peer peer = Connect("file");
    peer.Send(absl::StrCat("P a ", kPieces, "000\n"));
    was_in_time = true;
    absl::Time next = absl::Now();
    for (int i = 0; i < kPieces; ++i) {
      peer.Send(std::string(1000, 'x'));
      next += kIdleTimeout / 10;
      absl::SleepFor(next - absl::Now());
      was_in_time = was_in_time && absl::Now() - next < kIdleTimeout / 2;
    }
    answer = peer.ReadLine();
  }
  EXPECT_EQ(answer, "OK 0\n");
}

// More at once than a ring has buffers for streams.
TEST_F(ProgressTest, UploadsShareTheServerHoweverManyThereAre) {
  if (!can().keeps_clients_apart || can().pooled) GTEST_SKIP() << "by design: only some clients are served at a time";
  constexpr int kFlooders = 24;
  StartServer();
  std::atomic<bool> is_over = false;
  RunAtOnce(kFlooders + 1, [this, &is_over](int client) {
    Peer peer = Connect("file");
    if (client == kFlooders) {
      EXPECT_EQ(Put(peer, "small", std::string(2 * kMebibyte, 'x')).line, "OK 0");
      is_over = true;
      return;
    }
    peer.Send(absl::StrCat("P large", client, " ", 256 * kMebibyte, "\n"));
    const std::string piece(kMebibyte, 'x');
    for (int i = 0; i < 255 && !is_over; ++i) peer.Send(piece);
  });
  ExpectServesOthers();
}

TEST_F(ProgressTest, PeersThatOweNothingAreNotSlow) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: a client that stays keeps the others out";
  StartServer(StrictFlags());
  Peer echo = Connect("echo");
  EXPECT_TRUE(IsServed(echo));
  Peer file = Connect("file");
  EXPECT_EQ(Ask(file, "S none").code(), "ERR 404");
  Peer slow = Connect("file");
  slow.Send("P a 100000\n");
  EXPECT_TRUE(slow.AwaitClose());  // So the window has passed.
  EXPECT_TRUE(IsServed(echo));
  EXPECT_EQ(Ask(file, "S none").code(), "ERR 404");
}

TEST_F(ProgressTest, SlowReadersGiveTheWorkersOfAPoolBack) {
  if (!can().pooled) GTEST_SKIP() << "no pool";
  root().WriteZeroes("large", 64 * kMebibyte);
  StartServer(StrictFlags());
  std::vector<Peer> readers;
  for (int i = 0; i < 16; ++i) {
    readers.push_back(ConnectSlowly("file"));
    readers.back().Send("G large\n");
  }
  ExpectServesOthers();
}

}  // namespace

}  // namespace polyserve
