// The locks exclude each other's holders, and outlive them. (This program has one thread, so it may fork.)
#include "backends/accept/accept_lock.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

using MakeLock = absl::StatusOr<std::unique_ptr<AcceptLock>> (*)();

class ProcessLockTest : public testing::TestWithParam<MakeLock> {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<AcceptLock>> lock = GetParam()();
    ASSERT_TRUE(lock.ok()) << lock.status();
    lock_ = *std::move(lock);
    ASSERT_EQ(::pipe(pipe_), 0);
  }
  void TearDown() override {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }

  // Starts a child that takes the lock, says so, and does not let go.
  pid_t StartHolder() {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    if (lock_->Lock()) Say('h');
    while (true) ::pause();
  }
  void Say(char what) { EXPECT_EQ(::write(pipe_[1], &what, 1), 1); }
  char Hear() {
    char what = 0;
    EXPECT_EQ(::read(pipe_[0], &what, 1), 1);
    return what;
  }

  std::unique_ptr<AcceptLock> lock_;
  int pipe_[2];
};

INSTANTIATE_TEST_SUITE_P(, ProcessLockTest, testing::Values(&MakeProcessMutex, &MakeFileLock),
                         [](const auto& info) { return info.index == 0 ? "Mutex" : "File"; });

TEST_P(ProcessLockTest, IsTakenAndLetGoAgainAndAgain) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(lock_->Lock());
    lock_->Unlock();
  }
}

TEST_P(ProcessLockTest, IsFreeAgainWhenItsHolderWasKilled) {
  for (int i = 0; i < 3; ++i) {
    const pid_t holder = StartHolder();
    EXPECT_EQ(Hear(), 'h');
    ::kill(holder, SIGKILL);
    EXPECT_TRUE(lock_->Lock());
    lock_->Unlock();
    EXPECT_EQ(::waitpid(holder, nullptr, 0), holder);
  }
}

TEST_P(ProcessLockTest, OneAtATimeHoldsIt) {
  ASSERT_TRUE(lock_->Lock());
  const pid_t next = StartHolder();
  Say('u');  // Before it is let go, so it is heard first.
  lock_->Unlock();
  EXPECT_EQ(Hear(), 'u');
  EXPECT_EQ(Hear(), 'h');
  ::kill(next, SIGKILL);
  EXPECT_EQ(::waitpid(next, nullptr, 0), next);
}

}  // namespace

}  // namespace polyserve
