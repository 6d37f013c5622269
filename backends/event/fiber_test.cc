#include "backends/event/fiber.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backends/event/fiber_socket.h"
#include "backends/event/socket_wait_test.h"
#include "backends/poller/poller.h"
#include "gtest/gtest.h"
#include "net/deadline.h"
#include "net/statistics.h"

namespace polyserve {
namespace {

constexpr size_t kStack = 256 * 1024;

// Writes to about this much of the stack, and stops at the bottom of it.
int StopDeep(Fiber& self, int depth) {
  char frame[1024];
  std::memset(frame, depth, sizeof(frame));
  const int below = depth == 0 ? (self.Suspend(), 0) : StopDeep(self, depth - 1);
  return below + frame[depth % sizeof(frame)];
}

TEST(FiberTest, RunsUntilItSuspendsAndGoesOnWhereItWas) {
  std::string log;
  Fiber* fiber = nullptr;
  ASSERT_TRUE(Fiber::Run(kStack, [&](Fiber& self) {
                fiber = &self;
                log += "a";
                self.Suspend();
                log += "c";
                self.Suspend();
                log += "e";
              }).ok());
  log += "b";
  fiber->Resume();
  log += "d";
  fiber->Resume();
  EXPECT_EQ(log, "abcde");
}

volatile sig_atomic_t signals = 0;

void CountSignal(int) { signals = signals + 1; }

// ThreadSanitizer holds a signal back until it is told of another call, and keeps it with the stack that it found; one
// that asked the server to stop was so lost with a fiber that ended, or slept with one that had nothing to do.
TEST(FiberTest, SignalThatComesInItIsHandledWhateverBecomesOfIt) {
  struct sigaction count = {};
  struct sigaction before;
  count.sa_handler = &CountSignal;
  ASSERT_EQ(::sigaction(SIGUSR1, &count, &before), 0);
  // Not raise(3), of which the sanitizer is told.
  const auto signal_this_thread = [] { ::syscall(SYS_tgkill, ::getpid(), ::gettid(), SIGUSR1); };
  Fiber* sleeper = nullptr;
  ASSERT_TRUE(Fiber::Run(kStack, [&](Fiber& self) {
                sleeper = &self;
                signal_this_thread();
                self.Suspend();
              }).ok());
  ::usleep(1);
  EXPECT_EQ(signals, 1);
  sleeper->Resume();
  ASSERT_TRUE(Fiber::Run(kStack, [&](Fiber&) { signal_this_thread(); }).ok());
  ::usleep(1);
  EXPECT_EQ(signals, 2);
  ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST(FiberTest, MayStopDeepInCalls) {
  constexpr int kDepth = 30;
  int sum = 0;
  Fiber* fiber = nullptr;
  ASSERT_TRUE(Fiber::Run(kStack, [&](Fiber& self) {
                fiber = &self;
                sum = StopDeep(self, kDepth);
              }).ok());
  EXPECT_EQ(sum, 0);
  fiber->Resume();
  EXPECT_EQ(sum, kDepth * (kDepth + 1) / 2);
}

TEST(FiberTest, WhatTheBodyHoldsIsFreedWhenItReturns) {
  const auto held = std::make_shared<int>(1);
  Fiber* fiber = nullptr;
  ASSERT_TRUE(Fiber::Run(kStack, [&fiber, held](Fiber& self) {
                fiber = &self;
                self.Suspend();
              }).ok());
  EXPECT_EQ(held.use_count(), 2);
  fiber->Resume();
  EXPECT_EQ(held.use_count(), 1);
}

// More of them than there are spare stacks; each writes to its own, in turns.
TEST(FiberTest, ManyHaveStacksOfTheirOwn) {
  constexpr int kFibers = 200;
  constexpr int kRounds = 3;
  for (int round = 0; round < 2; ++round) {
    std::vector<Fiber*> fibers;
    int right = 0;
    for (int i = 0; i < kFibers; ++i) {
      ASSERT_TRUE(Fiber::Run(kStack, [&fibers, &right, i](Fiber& self) {
                    fibers.push_back(&self);
                    volatile int mine[100];
                    for (int j = 0; j < kRounds; ++j) {
                      for (volatile int& one : mine) one = i + j;
                      self.Suspend();
                      for (volatile int& one : mine) right += one == i + j ? 1 : 0;
                    }
                  }).ok());
    }
    for (int i = 0; i < kRounds; ++i) {
      for (Fiber* const fiber : fibers) fiber->Resume();
    }
    EXPECT_EQ(right, kFibers * kRounds * 100);
  }
}

TEST(FiberTest, WithoutMemoryForAStackItSaysSo) {
  bool has_run = false;
  const absl::Status status = Fiber::Run(size_t{1} << 60, [&has_run](Fiber&) { has_run = true; });
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_FALSE(has_run);
}

enum class For { kReadable, kWritable, kDeadline, kPause, kNextTurn };

class FiberSocketTest : public SocketWaitTest {
 protected:
  static bool WaitFor(FiberSocket& socket, For what) {
    switch (what) {
      case For::kReadable:
        return socket.Readable();
      case For::kWritable:
        return socket.Writable();
      case For::kDeadline:
        return socket.ReadableUntil(Deadline(absl::Milliseconds(1)));
      case For::kPause:
        return socket.After(absl::Milliseconds(1));
      case For::kNextTurn:
        return socket.NextTurn();
    }
    return false;
  }

  // Waits twice, and notes how each wait has ended, and the end.
  void Start(For what) {
    ASSERT_TRUE(Fiber::Run(kStack, [this, what](Fiber& self) {
                  FiberSocket socket(std::move(near_), shared_, kNoService, self);
                  for (int i = 0; i < 2; ++i) log_ += WaitFor(socket, what) ? "woken " : "dropped ";
                  log_ += "end";
                }).ok());
  }
};

TEST_F(FiberSocketTest, ReadableComesWithTheBytesAndAgainWhileTheyAreThere) {
  Start(For::kReadable);
  Look();
  EXPECT_EQ(log_, "");
  SendByte();
  Look();
  EXPECT_EQ(log_, "woken ");
  Look();
  EXPECT_EQ(log_, "woken woken end");
  EXPECT_EQ(counters_.ended, 1);
}

TEST_F(FiberSocketTest, WritableComesWhenThereIsRoom) {
  Start(For::kWritable);
  Look();
  EXPECT_EQ(log_, "woken ");
  Look();
  EXPECT_EQ(log_, "woken woken end");
}

TEST_F(FiberSocketTest, DeadlinesAndPausesEnd) {
  Start(For::kDeadline);
  Await();
  EXPECT_EQ(log_, "woken ");
  SendByte();
  Await();
  EXPECT_EQ(log_, "woken woken end");
}

TEST_F(FiberSocketTest, NothingEndsAPauseButTheTime) {
  Start(For::kPause);
  const Poller::Clock::time_point over = shared_.timers.first();
  SendByte();
  Look();
  EXPECT_TRUE(log_.empty() || Poller::Clock::now() >= over) << "the byte has ended it";
  if (log_.empty()) Await();
  EXPECT_EQ(log_, "woken ");
  Await();
  EXPECT_EQ(log_, "woken woken end");
}

TEST_F(FiberSocketTest, NextTurnComesOnceInEachRound) {
  Start(For::kNextTurn);
  Look();
  EXPECT_EQ(log_, "woken ");
  Look();
  EXPECT_EQ(log_, "woken woken end");
}

class EveryFiberWaitTest : public FiberSocketTest, public testing::WithParamInterface<For> {};
INSTANTIATE_TEST_SUITE_P(AllWaits, EveryFiberWaitTest,
                         testing::Values(For::kReadable, For::kWritable, For::kDeadline, For::kPause, For::kNextTurn));

TEST_P(EveryFiberWaitTest, StopEndsItEarly) {
  Fill();
  Start(GetParam());
  client().OnStop();
  EXPECT_EQ(log_, "woken ");
  client().Drop();
}

TEST_P(EveryFiberWaitTest, DropEndsAllWaitsAndTheSocketLeavesTheLoop) {
  Fill();
  Start(GetParam());
  client().Drop();
  EXPECT_EQ(log_, "dropped dropped end");
  EXPECT_TRUE(shared_.clients.empty());
  EXPECT_EQ(counters_.ended, 1);
  Look();  // Nothing is left to wake it.
}

}  // namespace
}  // namespace polyserve
