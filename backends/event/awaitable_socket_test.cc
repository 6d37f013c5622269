#include "backends/event/awaitable_socket.h"

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "backends/event/detached_task.h"
#include "backends/event/event_client.h"
#include "backends/poller/epoll_poller.h"
#include "backends/poller/poller.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/coarse_clock.h"
#include "net/deadline.h"
#include "net/progress_watch.h"
#include "net/statistics.h"

namespace polyserve {
namespace {

enum class For { kReadable, kWritable, kDeadline, kNextTurn };

struct Farewell {
  ~Farewell() { log += "freed "; }
  std::string& log;
};

// Waits twice, and tells when it was woken, and when its frame was freed.
Detached WaitTwice(UniqueFd fd, EventShared& shared, For what, std::string& log) {
  const Farewell closing_message{log};
  AwaitableSocket socket(std::move(fd), shared);
  for (int i = 0; i < 2; ++i) {
    if (what == For::kReadable) co_await socket.Readable();
    if (what == For::kWritable) co_await socket.Writable();
    if (what == For::kDeadline) co_await socket.ReadableUntil(Deadline(absl::Milliseconds(1)));
    if (what == For::kNextTurn) co_await socket.NextTurn();
    log += "woken ";
  }
}

class AwaitableSocketTest : public testing::Test {
 protected:
  AwaitableSocketTest() : poller_(EpollPoller::Create(Trigger::kLevel).value()) {
    shared_.poller = poller_.get();
    shared_.counters = &counters_;
    shared_.limits = ProgressLimits(absl::Seconds(60), {});
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    near_.reset(ends[0]);
    far_.reset(ends[1]);
  }

  void Start(For what) { WaitTwice(std::move(near_), shared_, what, log_); }
  // A turn of the loop: looks once at what is ready; does not wait.
  void Look() { Turn(Poller::kNoWait); }
  // Waits for something to be ready, or for the first timer.
  void Await() {
    const size_t before = log_.size();
    while (log_.size() == before) Turn(shared_.timers.empty() ? Poller::kForEver : shared_.timers.first());
  }
  void SendByte() { EXPECT_EQ(::send(far_.get(), "x", 1, 0), 1); }
  // Sends until the near socket takes no more.
  void Fill() {
    const std::string bytes(64 * 1024, 'x');
    while (::send(near_.get(), bytes.data(), bytes.size(), 0) > 0) continue;
  }
  void Empty() {
    std::string bytes(64 * 1024, 'x');
    while (::recv(far_.get(), bytes.data(), bytes.size(), 0) > 0) continue;
  }
  EventClient& client() { return shared_.clients.front(); }

  void Turn(Poller::Clock::time_point until) {
    EventClient::TurnList waiting;
    waiting.swap(shared_.wait_for_turn);
    EXPECT_TRUE(poller_->Wait(until).ok());
    poller_->Dispatch();
    while (!waiting.empty()) {
      EventClient& client = waiting.front();
      waiting.pop_front();
      client.OnTurn();
    }
    shared_.timers.RingDue();
  }

  const std::unique_ptr<Poller> poller_;
  Counters counters_;
  EventShared shared_;
  UniqueFd near_, far_;
  std::string log_;
};

TEST_F(AwaitableSocketTest, ReadableComesWithTheBytesAndAgainWhileTheyAreThere) {
  Start(For::kReadable);
  Look();
  EXPECT_EQ(log_, "");
  SendByte();
  Look();
  EXPECT_EQ(log_, "woken ");
  Look();
  EXPECT_EQ(log_, "woken woken freed ");
}

TEST_F(AwaitableSocketTest, ReadableComesWithTheEnd) {
  Start(For::kReadable);
  far_.reset();
  Look();
  EXPECT_EQ(log_, "woken ");
  client().Drop();
}

TEST_F(AwaitableSocketTest, WritableComesWhenThePeerHasRead) {
  Fill();
  Start(For::kWritable);
  Look();
  EXPECT_EQ(log_, "");
  Empty();
  Look();
  EXPECT_EQ(log_, "woken ");
  client().Drop();
}

TEST_F(AwaitableSocketTest, DeadlineComesWithoutBytesAndBytesComeBeforeIt) {
  Start(For::kDeadline);
  Await();
  EXPECT_EQ(log_, "woken ");
  SendByte();
  Await();
  EXPECT_EQ(log_, "woken woken freed ");
}

TEST_F(AwaitableSocketTest, NextTurnComesOnceInEachRound) {
  Start(For::kNextTurn);
  EXPECT_EQ(log_, "");
  Look();
  EXPECT_EQ(log_, "woken ");
  Look();
  EXPECT_EQ(log_, "woken woken freed ");
}

TEST_F(AwaitableSocketTest, SilentClientIsDropped) {
  Start(For::kReadable);
  for (uint32_t i = 0; i < kTicksPerTimeout; ++i) {
    ++shared_.ticks;
    client().OnTick();
  }
  EXPECT_EQ(log_, "");
  ++shared_.ticks;
  client().OnTick();
  EXPECT_EQ(log_, "freed ");
}

class EveryWaitTest : public AwaitableSocketTest, public testing::WithParamInterface<For> {};

TEST_P(EveryWaitTest, StopEndsItEarly) {
  Fill();
  Start(GetParam());
  client().OnStop();
  EXPECT_EQ(log_, "woken ");
  client().Drop();
}

TEST_P(EveryWaitTest, DropFreesTheFrameClosesTheSocketAndLeavesTheLoop) {
  Fill();
  Start(GetParam());
  client().Drop();
  EXPECT_EQ(log_, "freed ");
  EXPECT_TRUE(shared_.clients.empty());
  EXPECT_EQ(counters_.ended, 1);
  Empty();
  char byte;
  EXPECT_EQ(::recv(far_.get(), &byte, 1, 0), 0);
  Look();  // Nothing is left to wake it.
}

INSTANTIATE_TEST_SUITE_P(AllWaits, EveryWaitTest,
                         testing::Values(For::kReadable, For::kWritable, For::kDeadline, For::kNextTurn));

}  // namespace
}  // namespace polyserve
