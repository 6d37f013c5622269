// Handover: a process that was forked before learns of it.
#include "net/handover.h"

#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace polyserve {

namespace {

TEST(HandoverTest, AllProcessesSeeItOnceItIsAnnounced) {
  Handover::Announce();  // Without the memory, nobody could see it.
  EXPECT_FALSE(Handover::is_done());
  ASSERT_TRUE(Handover::Prepare().ok());
  EXPECT_FALSE(Handover::is_done());
  const pid_t child = ::fork();
  if (child == 0) {
    Handover::Announce();
    ::_exit(0);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(Handover::is_done());
}

}  // namespace

}  // namespace polyserve
