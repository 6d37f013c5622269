// The model stealing: what is ready waits for no worker that is busy while another one is idle, and without theft it
// does. One worker is kept busy by a file that it can't open for now (CallGate). The server is stopped (SIGSTOP) while
// the clients ask, so that one wait finds all of them, and puts them into one queue.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "net/statistics.h"
#include "tests/call_gate.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/scratch.h"
#include "tests/server_process.h"
#include "tests/statistics_of.h"
#include "tests/workers_test.h"

namespace polyserve {

namespace {

constexpr char kNoGate[] = "the system lets no test hold up calls";
constexpr int kQuick = 6;  // Clients beside the slow one.

class StealingTest : public testing::Test {
 protected:
  StealingTest() { root_.Write("a", "hello"); }

  // Two workers, and all clients are connected. False: see kNoGate.
  bool Start(absl::string_view steal) {
    server_ = std::make_unique<ServerProcess>(ServerProcess::Options{
        .flags = {"--model=stealing", "--workers=2", absl::StrCat("--steal=", steal), "--root=" + root_.path(),
                  "--stop_grace=100ms", "--listen=echo://127.0.0.1:0,file://127.0.0.1:0"},
        .before_exec = [this] { opening_.Install(); }});
    if (!opening_.is_installed()) return false;
    absl::StatusOr<Statistics> statistics = StatisticsOf(server_->pid());
    EXPECT_TRUE(statistics.ok()) << statistics.status();
    statistics_.emplace(*std::move(statistics));
    slow_.emplace(server_->address("file"));
    for (int i = 0; i < kQuick; ++i) quick_.emplace_back(server_->address("echo"));
    for (Peer& peer : quick_) EXPECT_TRUE(IsServed(peer));
    EXPECT_TRUE(Eventually([this] { return statistics_->Total().accepted == 1 + kQuick; }));
    return true;
  }

  void AskAllAtOnce() {
    opening_.Close();
    server_->Signal(SIGSTOP);
    EXPECT_TRUE(Eventually([this] {
      const std::vector<pid_t> threads = ThreadsOf(server_->pid());
      return std::all_of(threads.begin(), threads.end(), [](pid_t thread) { return IsStopped(thread); });
    }));
    EXPECT_TRUE(slow_->Send("G a\n"));
    for (Peer& peer : quick_) EXPECT_TRUE(peer.Send("ping"));
    server_->Signal(SIGCONT);
  }

  void LetTheFileBeOpened() { opening_.Open(); }

  void ExpectQuickOnesAreAnswered() {
    for (Peer& peer : quick_) EXPECT_EQ(peer.Read(4), "ping");
  }

  void TearDown() override {
    if (server_ == nullptr) return;
    LetTheFileBeOpened();
    if (slow_.has_value()) {
      EXPECT_TRUE(absl::StartsWith(slow_->ReadLine(), "OK 5"));
    }
    server_->Signal(SIGTERM);
    EXPECT_EQ(server_->AwaitExit(), 0);
  }

  QueueTotals queues() { return statistics_->TotalOfQueues(); }

 private:
  Scratch root_;
  CallGate opening_{{SYS_openat2}, CallGate::kHold};
  std::unique_ptr<ServerProcess> server_;
  std::optional<Statistics> statistics_;
  std::optional<Peer> slow_;
  std::vector<Peer> quick_;
};

class TheftTest : public StealingTest, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(, TheftTest, testing::Values("half", "one"));

TEST_P(TheftTest, QuickRequestsBehindASlowOneAreTakenByTheIdleWorker) {
  if (!Start(GetParam())) GTEST_SKIP() << kNoGate;
  AskAllAtOnce();
  ExpectQuickOnesAreAnswered();  // And the slow one is not: nobody can open its file.
  EXPECT_TRUE(Eventually([this] { return queues().waiting == 0; }));  // A thief counts what it serves after it has it.
  EXPECT_GT(queues().stolen, 0);
}

// What one worker has found is its own: the others may only find what comes later.
TEST_F(StealingTest, WithoutTheftTheyWaitForTheBusyWorker) {
  if (!Start("none")) GTEST_SKIP() << kNoGate;
  AskAllAtOnce();
  EXPECT_TRUE(Eventually([this] { return queues().waiting == kQuick; }));
  LetTheFileBeOpened();
  ExpectQuickOnesAreAnswered();
  EXPECT_EQ(queues().stolen, 0);
}

}  // namespace

}  // namespace polyserve
