// The client's time-outs are right whatever happens to the wall clock: in this program it goes back by an hour each
// time it is read.
#include "absl/time/clock.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/connection.h"
#include "client/scripted_peer.h"

namespace {

std::atomic<bool> goes_back = false;
std::atomic<time_t> lost_seconds = 0;

}  // namespace

// Takes the place of libc's, for the libraries that are linked with this program as well.
extern "C" int clock_gettime(clockid_t clock, timespec* time) {
  const long result = ::syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && clock == CLOCK_REALTIME && goes_back) time->tv_sec -= lost_seconds += 3600;
  return static_cast<int>(result);
}

namespace polyserve {

namespace {

TEST(ClockTest, SilentServerIsGivenUpThoughTheClockGoesBack) {
  ScriptedPeer peer([](Connection& client) { Swallow(client, INT64_MAX); });
  ConnectionOptions options;
  options.idle_timeout = absl::Milliseconds(50);
  absl::StatusOr<Connection> connection = Connection::Open(peer.endpoint(), options);
  ASSERT_TRUE(connection.ok());
  const absl::Time before = absl::Now();
  goes_back = true;
  ASSERT_LT(absl::Now(), before) << "the clock of this program is not ours";
  EXPECT_TRUE(absl::IsDeadlineExceeded(connection->ReadLine(10).status()));
  goes_back = false;
}

}  // namespace

}  // namespace polyserve
