// Lifeline: the server and all its descendants, however deep, end together.
#include "net/lifeline.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "net/signals.h"

namespace polyserve {
namespace {

// Forks an orphan that holds the lifeline and waits for a stop. The writing end of `alive` is its own sign of life.
void StartOrphan(Lifeline& lifeline, int alive) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::fork() != 0) ::_exit(0);
    Signals::InstallInWorker();
    lifeline.HoldInDescendant(Lifeline::Kin::kOrphan);
    [[maybe_unused]] const ssize_t written = ::write(alive, "!", 1);
    while (!Signals::stopping()) ::poll(nullptr, 0, 10'000);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
}

void ExpectAlive(int reader, int count) {
  for (int i = 0; i < count; ++i) {
    char byte;
    ASSERT_EQ(::read(reader, &byte, 1), 1);
  }
}

TEST(LifelineTest, StopsOrphansAndKnowsWhenTheyHaveGone) {
  int alive[2];
  ASSERT_EQ(::pipe2(alive, O_CLOEXEC), 0);
  absl::StatusOr<Lifeline> lifeline = Lifeline::Create();
  ASSERT_TRUE(lifeline.ok());
  for (int i = 0; i < 3; ++i) StartOrphan(*lifeline, alive[1]);
  ExpectAlive(alive[0], 3);
  EXPECT_FALSE(lifeline->AwaitAllGone(absl::Milliseconds(20)));
  do {
    lifeline->TellStop();
  } while (!lifeline->AwaitAllGone(absl::Milliseconds(50)));
  ::close(alive[0]);
  ::close(alive[1]);
}

TEST(LifelineTest, EndsOrphansWhereTheServerIsKilled) {
  int alive[2];
  ASSERT_EQ(::pipe2(alive, O_CLOEXEC), 0);
  const pid_t server = ::fork();
  if (server == 0) {
    absl::StatusOr<Lifeline> lifeline = Lifeline::Create();
    StartOrphan(*lifeline, alive[1]);
    ::close(alive[1]);
    while (true) ::pause();
  }
  ::close(alive[1]);
  ExpectAlive(alive[0], 1);
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  char byte;
  EXPECT_EQ(::read(alive[0], &byte, 1), 0) << "the orphan has ended, and with it the pipe";
  ::close(alive[0]);
}

}  // namespace
}  // namespace polyserve
