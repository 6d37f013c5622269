// Flush: what only a blocking socket can show; the suite of the models sends everything else through it.
#include "backends/connection/flush.h"

#include <pthread.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/connection_table.h"
#include "net/signals.h"
#include "net/statistics.h"
#include "protocol/output.h"

namespace polyserve {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

// Two ends of a connection, of which the first takes no more.
class FullSocketTest : public testing::Test {
 protected:
  FullSocketTest() {
    EXPECT_TRUE(Signals::Install().ok());  // Without a handler an interrupt would end the process.
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours_.reset(ends[0]);
    peer_.reset(ends[1]);
    while (::send(ours_.get(), "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1) {
    }
    EXPECT_EQ(errno, EAGAIN);
  }

  UniqueFd ours_;
  UniqueFd peer_;
  const absl::StatusOr<Statistics> statistics_ = Statistics::Create();
};

TEST_F(FullSocketTest, SignalEndsAWaitForRoomSoThatThePeerCanBeJudged) {
  Output output;
  output.Write("hello");
  Flushed result = Flushed::kAll;
  std::atomic<bool> has_returned = false;
  ConnectionTable::Entry entry;  // It lists nothing.
  std::thread sender([&] {
    result = Flush(ours_.get(), output, INT64_MAX, statistics_->counters(), entry);
    has_returned = true;
  });
  // Repeated, since the first may come before the call.
  const absl::Time end = absl::Now() + kPatience;
  while (!has_returned && absl::Now() < end) {
    Signals::Interrupt(sender.native_handle());
    absl::SleepFor(absl::Milliseconds(1));
  }
  peer_.reset();  // Ends a call that no signal has ended.
  sender.join();
  EXPECT_EQ(result, Flushed::kBudget);
  EXPECT_EQ(output.unsent_bytes(), 5);
}

TEST(FlushTest, HalfCloseComesBehindAllOutputAndIsDoneOnce) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd ours(ends[0]), peer(ends[1]);
  const absl::StatusOr<Statistics> statistics = Statistics::Create();
  ConnectionTable::Entry entry;
  Output output;
  output.Write("last");
  output.HalfClose();
  EXPECT_EQ(Flush(ours.get(), output, INT64_MAX, statistics->counters(), entry), Flushed::kAll);
  EXPECT_FALSE(output.half_closes());
  char buffer[8];
  EXPECT_EQ(::recv(peer.get(), buffer, sizeof(buffer), 0), 4);
  EXPECT_EQ(::recv(peer.get(), buffer, sizeof(buffer), 0), 0);
  EXPECT_EQ(::send(peer.get(), "x", 1, MSG_NOSIGNAL), 1) << "the other direction goes on";
}

}  // namespace
}  // namespace polyserve
