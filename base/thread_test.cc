#include "base/thread.h"

#include <pthread.h>
#include <signal.h>

#include <cstddef>
#include <thread>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

sigset_t MaskOfThisThread() {
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return mask;
}

TEST(ThreadTest, RunsWhatItIsGiven) {
  bool has_run = false;
  absl::StatusOr<std::thread> thread = StartThread([&has_run] { has_run = true; });
  ASSERT_TRUE(thread.ok()) << thread.status();
  thread->join();
  EXPECT_TRUE(has_run);
}

TEST(ThreadTest, OneWithoutSignalsBlocksThemAndItsCreatorKeepsItsMask) {
  sigset_t inside = {};
  absl::StatusOr<std::thread> thread = StartThreadWithoutSignals([&inside] { inside = MaskOfThisThread(); });
  ASSERT_TRUE(thread.ok()) << thread.status();
  thread->join();
  const sigset_t outside = MaskOfThisThread();
  for (const int signal : {SIGTERM, SIGHUP, SIGUSR1, SIGTTIN}) {
    EXPECT_EQ(::sigismember(&inside, signal), 1) << signal;
    EXPECT_EQ(::sigismember(&outside, signal), 0) << signal;
  }
}

// No address space is left for a stack as large as this one.
TEST(ThreadTest, ThatTheSystemHasNoneLeftIsAnError) {
  pthread_attr_t usual;
  ASSERT_EQ(::pthread_getattr_default_np(&usual), 0);
  pthread_attr_t huge;
  ASSERT_EQ(::pthread_attr_init(&huge), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&huge, size_t{1} << 47), 0);
  ASSERT_EQ(::pthread_setattr_default_np(&huge), 0);
  bool has_run = false;
  const absl::StatusOr<std::thread> thread = StartThreadWithoutSignals([&has_run] { has_run = true; });
  ASSERT_EQ(::pthread_setattr_default_np(&usual), 0);
  EXPECT_TRUE(absl::IsUnavailable(thread.status())) << thread.status();
  EXPECT_FALSE(has_run);
  const sigset_t mask = MaskOfThisThread();
  EXPECT_EQ(::sigismember(&mask, SIGTERM), 0);
  ::pthread_attr_destroy(&huge);
  ::pthread_attr_destroy(&usual);
}

}  // namespace
}  // namespace polyserve
