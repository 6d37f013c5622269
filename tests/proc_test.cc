// What /proc says of a process that may have ended by the time that it is asked.
#include "tests/proc.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(ProcTest, SaysWhatAProcessIs) {
  ASSERT_EQ(::prctl(PR_SET_NAME, "its name"), 0);
  EXPECT_EQ(NameOf(::getpid()), "its name");
  int ends[2];
  const size_t before = CountDescriptors(::getpid());
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_EQ(CountDescriptors(::getpid()), before + 2);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(ProcTest, NothingIsSaidOfOneThatHasEnded) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(NameOf(child), "");
  EXPECT_EQ(ReadProc(child, "status"), "");
  EXPECT_EQ(CountDescriptors(child), 0u);
  EXPECT_TRUE(ThreadsOf(child).empty());
}

// As it is if the process ends behind the opening. Here, because nothing lies at address 0.
TEST(ProcTest, FileThatCannotBeReadIsEmpty) { EXPECT_EQ(ReadProc(::getpid(), "mem"), ""); }

}  // namespace
}  // namespace polyserve
