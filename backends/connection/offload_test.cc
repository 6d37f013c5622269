// Offload: what helpers do for one who waits, for one who does not wait any more, and at the end.
#include "backends/connection/offload.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "backends/overload/overload_options.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/signals.h"
#include "net/statistics.h"
#include "net/wake_list.h"
#include "protocol/output.h"

namespace polyserve {
namespace {

struct Client final : public Wakeable {
  void OnReady() override { ++calls; }
  int calls = 0;
};

// Something that helpers can be made to wait for.
class Gate {
 public:
  void Open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  void Pass() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
  }
  void AwaitArrivals(int count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this, count] { return arrived_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
  int arrived_ = 0;
};

class OffloadTest : public testing::Test {
 protected:
  OffloadTest() {
    EXPECT_TRUE(Signals::Install().ok());  // Whoever waits for threads interrupts them.
    wakes_->BelongToThisThread();
  }

  void AwaitDone(const Offload::Submitted& task) {
    while (!task.is_done()) {
      pollfd woken = {wakes_->fd(), POLLIN, 0};
      const int ready = wakes_->empty() ? ::poll(&woken, 1, 30'000) : 1;
      ASSERT_EQ(ready, 1) << "nobody was woken";
      wakes_->TakeWake();
      wakes_->Deliver();
    }
  }

  const std::unique_ptr<WakeList> wakes_ = *WakeList::Create();
  const Statistics statistics_ = *Statistics::Create();
  Client client_;
};

TEST_F(OffloadTest, WithoutHelpersThereIsNone) {
  EXPECT_EQ(*Offload::Create({.helpers = 0}, *wakes_, statistics_), nullptr);
}

TEST_F(OffloadTest, ResultComesAndTheClientIsWoken) {
  const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 2}, *wakes_, statistics_);
  const auto task = offload->Submit([](Output& result) { result.Write("done"); }, client_);
  AwaitDone(*task);
  wakes_->TakeWake();
  wakes_->Deliver();
  EXPECT_EQ(client_.calls, 1);
  Output output = task->TakeResult();
  EXPECT_EQ(output.unsent_bytes(), 4);
}

TEST_F(OffloadTest, TimerSetBeforeATaskOutlivesIt) {
  const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 1}, *wakes_, statistics_);
  const auto timer_after = [&](Output::Task task) {
    Output output;
    output.SetTimer(absl::Seconds(1));
    Offload::ClientTask under_way;
    under_way.Run(*offload, std::move(task), client_);
    while (!under_way.TakeResult(output)) {
      pollfd woken = {wakes_->fd(), POLLIN, 0};
      EXPECT_EQ(::poll(&woken, 1, 30'000), 1) << "nobody was woken";
      wakes_->TakeWake();
      wakes_->Deliver();
    }
    return output.asks_for_wake() ? output.TakeWakeIn() : absl::InfiniteDuration();
  };
  EXPECT_EQ(timer_after([](Output& result) { result.Write("done"); }), absl::Seconds(1));
  EXPECT_EQ(timer_after([](Output& result) { result.SetTimer(absl::Seconds(2)); }), absl::Seconds(2));
}

TEST_F(OffloadTest, AsManyRunAtOnceAsThereAreHelpers) {
  const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 2}, *wakes_, statistics_);
  Gate gate;
  const auto first = offload->Submit([&gate](Output&) { gate.Pass(); }, client_);
  const auto second = offload->Submit([&gate](Output&) { gate.Pass(); }, client_);
  gate.AwaitArrivals(2);
  gate.Open();
  AwaitDone(*first);
  AwaitDone(*second);
}

TEST_F(OffloadTest, HelperThatRunsSessionsCountsInARowOfItsOwn) {
  const std::unique_ptr<Offload> offload =
      *Offload::Create({.helpers = 2, .runs_sessions = true}, *wakes_, statistics_);
  const auto task =
      offload->Submit([](Output&) { Counters::Add(Offload::CountersOfThisHelper().requests, 1); }, client_);
  AwaitDone(*task);
  EXPECT_EQ(statistics_.Total().requests, 1);
  EXPECT_EQ(statistics_.counters().requests, 0) << "the loop's";
}

TEST_F(OffloadTest, LengthOfTheQueueIsInTheStatistics) {
  Gate gate;
  {
    const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 1}, *wakes_, statistics_);
    const auto running = offload->Submit([&gate](Output&) { gate.Pass(); }, client_);
    gate.AwaitArrivals(1);
    EXPECT_EQ(statistics_.TotalOfQueues().waiting, 0);
    const auto second = offload->Submit([](Output&) {}, client_);
    const auto third = offload->Submit([](Output&) {}, client_);
    EXPECT_EQ(statistics_.TotalOfQueues().waiting, 2);
    gate.Open();
    AwaitDone(*third);
    EXPECT_EQ(statistics_.TotalOfQueues().waiting, 0);
  }
  EXPECT_EQ(statistics_.TotalOfQueues().tasks, 3);
  EXPECT_EQ(statistics_.TotalOfQueues().longest, 2);
}

TEST_F(OffloadTest, FullQueueRefusesAtOnceWhatCanBeRefusedAndKeepsTheRest) {
  const OverloadOptions overload = {.rule = Overload::kRefuse, .most_waiting = 1};
  const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 1, .overload = overload}, *wakes_, statistics_);
  Gate gate;
  const auto running = offload->Submit([&gate](Output&) { gate.Pass(); }, client_);
  gate.AwaitArrivals(1);
  const auto waiting = offload->Submit([](Output& result) { result.Write("done"); }, client_);
  const auto refused = offload->Submit([](Output& result) { result.Write("done"); }, client_,
                                       [](Output& result) { result.Write("refused"); });
  EXPECT_TRUE(refused->is_done()) << "though the helper is busy";
  EXPECT_EQ(refused->TakeResult().unsent_bytes(), 7);
  const auto kept = offload->Submit([](Output& result) { result.Write("done"); }, client_);
  EXPECT_FALSE(kept->is_done());
  gate.Open();
  AwaitDone(*kept);
  EXPECT_EQ(kept->TakeResult().unsent_bytes(), 4);
  AwaitDone(*waiting);
  EXPECT_EQ(statistics_.TotalOfQueues().refused, 1);
  EXPECT_EQ(statistics_.TotalOfQueues().tasks, 3);
}

// Such as a part of a TLS handshake.
TEST_F(OffloadTest, WhatMayNotBeRefusedDoesNotOvertakeTheQueue) {
  const OverloadOptions overload = {.rule = Overload::kRefuse, .most_waiting = 1};
  const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 1, .overload = overload}, *wakes_, statistics_);
  Gate gate;
  std::string order;  // Of the one helper alone.
  const auto running = offload->Submit([&gate](Output&) { gate.Pass(); }, client_);
  gate.AwaitArrivals(1);
  const auto waiting = offload->Submit([&order](Output&) { order += "1"; }, client_, [](Output&) {});
  const auto first = offload->Submit([&order](Output&) { order += "a"; }, client_);
  const auto last = offload->Submit([&order](Output&) { order += "b"; }, client_);
  gate.Open();
  AwaitDone(*last);
  EXPECT_EQ(order, "1ab");
}

// Those that a full queue of the newest first has no place for, and the queue, take turns.
TEST_F(OffloadTest, WhatMayNotBeRefusedDoesNotStarveTheNewest) {
  const OverloadOptions overload = {.rule = Overload::kNewest, .most_waiting = 2};
  const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 1, .overload = overload}, *wakes_, statistics_);
  Gate gate;
  std::string order;
  const auto running = offload->Submit([&gate](Output&) { gate.Pass(); }, client_);
  gate.AwaitArrivals(1);
  std::vector<std::unique_ptr<Offload::Submitted>> tasks;
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) {
    tasks.push_back(offload->Submit([&order, name](Output&) { order += name; }, client_));
  }
  gate.Open();
  for (const auto& task : tasks) AwaitDone(*task);
  EXPECT_EQ(order, "aebdc");
}

TEST_F(OffloadTest, NewestTaskIsDoneFirst) {
  const OverloadOptions overload = {.rule = Overload::kNewest, .most_waiting = 10};
  const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 1, .overload = overload}, *wakes_, statistics_);
  Gate gate;
  std::string order;  // Of the one helper alone.
  const auto running = offload->Submit([&gate](Output&) { gate.Pass(); }, client_);
  gate.AwaitArrivals(1);
  const auto first = offload->Submit([&order](Output&) { order += "1"; }, client_);
  const auto second = offload->Submit([&order](Output&) { order += "2"; }, client_);
  gate.Open();
  AwaitDone(*first);
  EXPECT_EQ(order, "21");
}

// No wait is short enough.
TEST_F(OffloadTest, TaskThatHasWaitedForTooLongIsRefusedAtItsTurn) {
  const OverloadOptions overload = {.rule = Overload::kDeadline,
                                    .most_waiting = 10,
                                    .target = absl::Nanoseconds(1),
                                    .interval = absl::Nanoseconds(1)};
  const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 1, .overload = overload}, *wakes_, statistics_);
  Gate gate;
  const auto running = offload->Submit([&gate](Output&) { gate.Pass(); }, client_);
  gate.AwaitArrivals(1);
  const auto waiting = offload->Submit([](Output& result) { result.Write("done"); }, client_,
                                       [](Output& result) { result.Write("refused"); });
  EXPECT_FALSE(waiting->is_done());
  gate.Open();
  AwaitDone(*waiting);
  EXPECT_EQ(waiting->TakeResult().unsent_bytes(), 7);
  EXPECT_EQ(statistics_.TotalOfQueues().dropped, 1);
}

TEST_F(OffloadTest, WhatNobodyWaitsForAnyMoreIsNotBegunOrItsResultIsThrownAway) {
  const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 1}, *wakes_, statistics_);
  Gate gate;
  std::atomic<bool> begun = false;
  auto running = offload->Submit([&gate](Output& result) { gate.Pass(), result.Write("late"); }, client_);
  auto waiting = offload->Submit([&begun](Output&) { begun = true; }, client_);
  gate.AwaitArrivals(1);
  running = nullptr;
  waiting = nullptr;
  const auto last = offload->Submit([](Output&) {}, client_);
  gate.Open();
  AwaitDone(*last);
  EXPECT_FALSE(begun);
}

TEST_F(OffloadTest, EndWaitsForWhatWasBegunAndForgetsTheRest) {
  Gate gate;
  std::atomic<bool> ended = false;
  std::atomic<bool> begun = false;
  {
    const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 1}, *wakes_, statistics_);
    auto running = offload->Submit([&](Output&) { gate.Pass(), ended = true; }, client_);
    auto waiting = offload->Submit([&](Output&) { begun = true; }, client_);
    gate.AwaitArrivals(1);
    running = nullptr;
    waiting = nullptr;
    gate.Open();
  }
  EXPECT_TRUE(ended);
  EXPECT_FALSE(begun);
}

// A file that is on the disk alone: written, synced, and dropped from the page cache.
class ColdFileTest : public OffloadTest {
 protected:
  ColdFileTest() {
    const std::string name = absl::StrCat(testing::TempDir(), "/cold");
    UniqueFd fd(::open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const std::string bytes(kBytes, 'x');
    EXPECT_EQ(::write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(::fsync(fd.get()), 0);
    EXPECT_EQ(::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED), 0);
    ::unlink(name.c_str());
    file_ = std::make_shared<const UniqueFd>(std::move(fd));
  }

  bool IsInMemory() const {
    char byte = 0;
    iovec piece = {&byte, 1};
    return ::preadv2(file_->get(), &piece, 1, 0, RWF_NOWAIT) == 1;
  }

  static constexpr size_t kBytes = 256 * 1024;
  std::shared_ptr<const UniqueFd> file_;
};

TEST_F(ColdFileTest, IsReadBehindItsHeadAndNotTwice) {
  const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 1, .reads_files = true}, *wakes_, statistics_);
  if (IsInMemory()) GTEST_SKIP() << "the file system of " << testing::TempDir() << " keeps files in memory";
  Output output;
  output.Write("OK\n");
  output.WriteFile(file_, 0, kBytes);
  const auto task = offload->SubmitRead(output, client_);
  ASSERT_NE(task, nullptr);
  AwaitDone(*task);
  EXPECT_TRUE(IsInMemory());
  EXPECT_TRUE(task->TakeResult().empty());
  EXPECT_EQ(offload->SubmitRead(output, client_), nullptr);
}

TEST_F(ColdFileTest, IsLeftToTheLoopUnlessAskedFor) {
  const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 1}, *wakes_, statistics_);
  Output output;
  output.WriteFile(file_, 0, kBytes);
  EXPECT_EQ(offload->SubmitRead(output, client_), nullptr);
}

TEST_F(OffloadTest, OutputWithoutFilesHasNothingToRead) {
  const std::unique_ptr<Offload> offload = *Offload::Create({.helpers = 1, .reads_files = true}, *wakes_, statistics_);
  Output output;
  output.Write("hello");
  EXPECT_EQ(offload->SubmitRead(output, client_), nullptr);
}

}  // namespace
}  // namespace polyserve
