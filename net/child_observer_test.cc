#include "net/child_observer.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "gtest/gtest.h"

namespace polyserve {

namespace {

class Recorder : public ChildObserver {
 public:
  explicit Recorder(pid_t own) : own_(own) {}

  bool OnChildEnd(pid_t pid, int wait_status) override {
    asked.push_back(pid);
    if (pid == own_) status = WEXITSTATUS(wait_status);
    return pid == own_;
  }
  void OnChildSignal() override { ++signals; }

  std::vector<pid_t> asked;
  int status = -1;
  int signals = 0;

 private:
  const pid_t own_;
};

// A child that has ended, and was not reaped yet.
pid_t EndedChild(int status) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(status);
  siginfo_t info;
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  return pid;
}

TEST(ReapChildrenTest, AsksUntilOneObserverKnowsTheChild) {
  const pid_t pid = EndedChild(7);
  Recorder stranger(-1), parent(pid), never_asked(-1);
  ReapChildren({&stranger, &parent, &never_asked});
  EXPECT_EQ(stranger.asked, std::vector<pid_t>{pid});
  EXPECT_EQ(parent.status, 7);
  EXPECT_TRUE(never_asked.asked.empty());
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), -1);  // No zombie is left.
}

TEST(ReapChildrenTest, ReapsChildrenThatNobodyKnows) {
  const pid_t pid = EndedChild(0);
  ReapChildren({});
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), -1);
}

TEST(ReapChildrenTest, TellsOfTheSignalAlsoIfNothingWasToReap) {
  Recorder observer(-1);
  ReapChildren({&observer});
  EXPECT_EQ(observer.signals, 1);
  EXPECT_TRUE(observer.asked.empty());
}

}  // namespace

}  // namespace polyserve
