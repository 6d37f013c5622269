#include "backends/event/awaitable_socket.h"

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "backends/event/detached_task.h"
#include "backends/event/event_client.h"
#include "backends/event/ready_line.h"
#include "backends/event/socket_wait_test.h"
#include "backends/overload/overload_options.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/coarse_clock.h"
#include "net/deadline.h"
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

class AwaitableSocketTest : public SocketWaitTest {
 protected:
  void Start(For what) { WaitTwice(std::move(near_), shared_, what, log_); }
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

// Its bytes have come in time, and it is we who let them wait.
TEST_F(AwaitableSocketTest, ClientThatWaitsInLineIsNeitherSilentNorLate) {
  QueueCounters queue;
  ReadyLine line({.rule = Overload::kRefuse, .most_waiting = 8}, queue);
  shared_.line = &line;
  Start(For::kReadable);
  SendByte();
  Look();
  shared_.ticks += kTicksPerTimeout + 1;
  client().OnTick();
  client().OnTimer();
  EXPECT_EQ(log_, "");
  line.Take().client->OnTurn();
  EXPECT_EQ(log_, "woken ");
  client().Drop();
  shared_.line = nullptr;
}

// As large as it was before clients could wait in line: an idle connection is to cost little.
TEST_F(AwaitableSocketTest, IsSmall) { EXPECT_LE(sizeof(AwaitableSocket), 19 * sizeof(void*)); }

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
