// The model staged: its queues in the statistics, the controller that changes how many threads a stage has, and
// admission. What the server counts is read from the memory that its processes share.
#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "net/statistics.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/server_process.h"
#include "tests/statistics_of.h"
#include "tests/workers_test.h"

namespace polyserve {

namespace {

constexpr char kLongTask[] = "PRIMES 2000000\n";
constexpr char kItsAnswer[] = "OK 142913828922\n";
// The main thread, and one for each stage.
constexpr size_t kLeastThreads = 4;

class StagesTest : public testing::Test {
 protected:
  enum Stage { kRead, kWork, kWrite };  // As the row of the registry names its queues.

  explicit StagesTest(std::vector<std::string> flags = {}) : server_({.flags = WithServices(std::move(flags))}) {
    absl::StatusOr<Statistics> statistics = StatisticsOf(server_.pid());
    EXPECT_TRUE(statistics.ok()) << statistics.status();
    statistics_.push_back(*std::move(statistics));
  }

  static std::vector<std::string> WithServices(std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--model=staged", "--stop_grace=100ms",
                               "--listen=echo://127.0.0.1:0,compute://127.0.0.1:0,http://127.0.0.1:0"});
    return flags;
  }

  void TearDown() override {
    server_.Signal(SIGTERM);
    EXPECT_EQ(server_.AwaitExit(), 0);
  }

  Peer Connect(absl::string_view service) { return Peer(server_.address(service)); }
  const QueueCounters& QueueOf(Stage stage) { return statistics_[0].OfWorker(stage).queue(); }
  int64_t CountAccepted() { return statistics_[0].Total().accepted; }
  size_t CountThreads() { return ThreadsOf(server_.pid()).size(); }

  ServerProcess server_;

 private:
  std::vector<Statistics> statistics_;  // One.
};

TEST_F(StagesTest, RequestWithoutLongWorkPassesThroughTwoQueues) {
  Peer peer = Connect("echo");
  ASSERT_TRUE(IsServed(peer));
  const int64_t reads = QueueOf(kRead).tasks, writes = QueueOf(kWrite).tasks;
  ASSERT_TRUE(IsServed(peer));
  EXPECT_EQ(QueueOf(kRead).tasks, reads + 1);
  EXPECT_EQ(QueueOf(kWrite).tasks, writes + 1);
  EXPECT_EQ(QueueOf(kWork).tasks, 0);
}

TEST_F(StagesTest, StatusNamesTheQueues) {
  Peer peer = Connect("http");
  peer.Send("GET /-/status HTTP/1.0\r\n\r\n");
  const std::string reply = peer.ReadToEnd();
  for (const char* name : {"\"stages\": {", "\"read\": {", "\"work\": {", "\"write\": {"}) {
    EXPECT_TRUE(absl::StrContains(reply, name)) << reply;
  }
}

TEST_F(StagesTest, StageGetsThreadsWhileClientsWaitAndLosesThemWhenIdle) {
  EXPECT_TRUE(Eventually([&] { return CountThreads() == kLeastThreads; }));
  std::vector<Peer> peers;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(Connect("compute"));
    peers.back().Send(kLongTask);
  }
  EXPECT_TRUE(Eventually([&] { return CountThreads() > kLeastThreads; }));
  for (Peer& peer : peers) EXPECT_EQ(peer.ReadLine(), kItsAnswer);
  EXPECT_TRUE(Eventually([&] { return CountThreads() == kLeastThreads; }));
}

class AdmissionTest : public StagesTest {
 protected:
  AdmissionTest() : StagesTest({"--admission=2", "--stage_threads=1"}) {}
};

TEST_F(AdmissionTest, NoClientIsAcceptedWhileAQueueIsLong) {
  constexpr int kClients = 5;
  std::vector<Peer> peers;
  for (int i = 0; i < kClients; ++i) peers.push_back(Connect("compute"));
  EXPECT_TRUE(Eventually([&] { return CountAccepted() == kClients; }));
  for (Peer& peer : peers) peer.Send(kLongTask);
  EXPECT_TRUE(Eventually([&] { return QueueOf(kWork).waiting >= 2; }));
  Peer late = Connect("echo");
  EXPECT_TRUE(late.connected());
  late.Send("ping");
  // From now on the queue only becomes shorter: one that is long was so before, too.
  int64_t accepted = 0;
  EXPECT_TRUE(Eventually([&] {
    accepted = CountAccepted();
    const bool is_long = QueueOf(kWork).waiting >= 2;
    if (is_long) {
      EXPECT_EQ(accepted, kClients);
    }
    return !is_long;
  }));
  EXPECT_EQ(late.Read(4), "ping");
  for (Peer& peer : peers) EXPECT_EQ(peer.ReadLine(), kItsAnswer);
}

}  // namespace

}  // namespace polyserve
