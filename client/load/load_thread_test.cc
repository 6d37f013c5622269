// LoadThread: how long a thread sleeps for a request that is due.
#include "client/load/load_thread.h"

#include <time.h>

#include <cstdint>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

// A thread that does nothing.
class Sleeper : public LoadThread {
 public:
  using LoadThread::LoadThread;
  absl::Status Connect() override { return absl::OkStatus(); }
  // In nanoseconds.
  static int64_t TimeoutIn(int64_t wait) {
    const timespec timeout = TimeoutUntil(Now() + wait);
    return timeout.tv_sec * kSecond + timeout.tv_nsec;
  }

 private:
  void Load() override {}
  void Settle() override {}
};

TEST(LoadThreadTest, ShortWaitEndsWhenItsTimeHasCome) {
  EXPECT_LE(Sleeper::TimeoutIn(500'000), 500'000);
  EXPECT_LE(Sleeper::TimeoutIn(1), 1);
}

// The kernel may add a thousandth of it, and under nice(2) a two-hundredth.
TEST(LoadThreadTest, LongWaitLeavesRoomForWhatTheKernelAdds) {
  for (const int64_t wait : {LoadThread::kSecond / 100, LoadThread::kSecond / 10, 100 * LoadThread::kSecond}) {
    const int64_t timeout = Sleeper::TimeoutIn(wait);
    EXPECT_LT(timeout + timeout / 200, wait) << wait;
  }
}

TEST(LoadThreadTest, TimeThatIsOverIsNotWaitedFor) { EXPECT_EQ(Sleeper::TimeoutIn(-5), 0); }

}  // namespace
}  // namespace polyserve
