// What /proc tells of processes, asked about this test and a child of it.
#include "net/process_figures.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

// Uses the processor for some of the clock's ticks.
void Burn() {
  timespec used = {};
  while (used.tv_nsec < 50'000'000 && used.tv_sec == 0) ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
}

// A process that sleeps until it is killed.
class Child {
 public:
  Child() : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (true) ::pause();
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  const pid_t pid_;
};

TEST(ProcessFiguresTest, TellsOfAProcessWhatItIsAndUses) {
  char name[16] = {};
  ::prctl(PR_GET_NAME, name);
  ::prctl(PR_SET_NAME, "a (b) c");
  Burn();
  const std::optional<ProcessFigures> figures = ReadProcessFigures(::getpid());
  ::prctl(PR_SET_NAME, name);
  ASSERT_TRUE(figures.has_value());
  EXPECT_EQ(figures->process, ::getpid());
  EXPECT_EQ(figures->parent, ::getppid());
  EXPECT_EQ(figures->name, "a (b) c") << "parentheses and blanks of the name do not shift the fields";
  EXPECT_GE(figures->threads, 1);
  EXPECT_GT(figures->cpu_seconds, 0);
  EXPECT_GT(figures->rss_bytes, 100'000);
}

TEST(ProcessFiguresTest, SharedPagesCountInParts) {
  const std::optional<int64_t> bytes = ReadProportionalBytes(::getpid());
  if (!bytes.has_value()) GTEST_SKIP() << "this system does not tell";
  EXPECT_GT(*bytes, 0);
  EXPECT_LE(*bytes, ReadProcessFigures(::getpid())->rss_bytes + (1 << 20));
}

TEST(ProcessFiguresTest, AThreadsTimeIsItsOwn) {
  Burn();
  const std::optional<double> seconds = ReadThreadCpuSeconds(::getpid(), ::gettid());
  ASSERT_TRUE(seconds.has_value());
  EXPECT_GT(*seconds, 0);
}

TEST(ProcessFiguresTest, ListsChildrenUpToABound) {
  const Child first;
  const Child second;
  const std::vector<pid_t> all = ListDescendants(::getpid(), 100);
  if (all.empty()) GTEST_SKIP() << "this system does not tell";
  EXPECT_EQ(all, (std::vector<pid_t>{first.pid(), second.pid()}));
  EXPECT_EQ(ListDescendants(::getpid(), 1).size(), 1u);
}

TEST(ProcessFiguresTest, OfAProcessThatIsGoneThereIsNothing) {
  pid_t gone = 0;
  {
    const Child child;
    gone = child.pid();
  }
  EXPECT_FALSE(ReadProcessFigures(gone).has_value());
  EXPECT_FALSE(ReadProportionalBytes(gone).has_value());
  EXPECT_FALSE(ReadThreadCpuSeconds(gone, gone).has_value());
  EXPECT_TRUE(ListDescendants(gone, 10).empty());
}

}  // namespace
}  // namespace polyserve
