// What flags mean to pools and loops if --workers=auto comes to one worker, and which values are refused. The servers
// themselves are in tests/automatic_workers_test.cc.
#include "backends/pool/pool_options.h"

#include <gflags/gflags.h>
#include <sched.h>

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

// The affinity is read once in a process, so it is set before the first question.
class PoolOptionsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    cpu_set_t own;
    ASSERT_EQ(::sched_getaffinity(0, sizeof(own), &own), 0);
    int first = 0;
    while (!CPU_ISSET(first, &own)) ++first;
    CPU_ZERO(&own);
    CPU_SET(first, &own);
    ASSERT_EQ(::sched_setaffinity(0, sizeof(own), &own), 0);
  }

  static void Set(const char* flag, const char* value) {
    ASSERT_NE(gflags::SetCommandLineOption(flag, value), "") << flag << "=" << value;
  }

 private:
  gflags::FlagSaver saver_;  // Each case begins with the flags' defaults.
};

TEST_F(PoolOptionsTest, FlagsForSeveralLoopsAreNoErrorIfAutoComesToOne) {
  Set("workers", "auto");
  Set("accept", "bpf");
  const absl::StatusOr<LoopOptions> steered = LoopOptionsFromFlags();
  ASSERT_TRUE(steered.ok()) << steered.status();
  EXPECT_EQ(steered->pool.workers, 1);
  EXPECT_FALSE(steered->pool.steers_by_processor) << "there is nothing to choose from";
  EXPECT_TRUE(steered->is_one());
  Set("accept", "shared");
  Set("wake", "all");
  EXPECT_TRUE(LoopOptionsFromFlags().ok()) << LoopOptionsFromFlags().status();
}

TEST_F(PoolOptionsTest, FlagsForSeveralLoopsAreRefusedWithASingleOne) {
  Set("workers", "1");
  Set("accept", "bpf");
  EXPECT_FALSE(LoopOptionsFromFlags().ok());
  Set("accept", "shared");
  Set("wake", "all");
  EXPECT_FALSE(LoopOptionsFromFlags().ok());
}

TEST_F(PoolOptionsTest, NumberOutOfRangeIsSaidToBe) {
  for (const char* number : {"0", "-1", "1000000", "99999999999"}) {
    Set("workers", number);
    const absl::Status status = PoolOptionsFromFlags().status();
    EXPECT_TRUE(absl::StrContains(status.message(), "is not from 1 to ")) << status;
    EXPECT_EQ(LoopOptionsFromFlags().status(), status);
  }
}

TEST_F(PoolOptionsTest, BoundsOfAPoolMoveAuto) {
  Set("workers", "auto");
  Set("workers_min", "5");
  const absl::StatusOr<PoolOptions> pool = PoolOptionsFromFlags();
  ASSERT_TRUE(pool.ok()) << pool.status();
  EXPECT_EQ(pool->workers, 5);
  EXPECT_TRUE(absl::StartsWith(DescribeAutomaticWorkers(), "--workers=auto is 5: it may run on 1 processor"))
      << DescribeAutomaticWorkers();
}

}  // namespace

}  // namespace polyserve
