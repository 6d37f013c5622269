// WorkerProcesses: signals that come while a worker starts.
#include "backends/pool/worker_processes.h"

#include <pthread.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "backends/pool/scoreboard.h"
#include "gtest/gtest.h"
#include "net/lifeline.h"
#include "net/signals.h"
#include "net/statistics.h"

namespace polyserve {
namespace {

int signal_of_newborns = 0;

// Runs in each child before fork(2) returns there, so that the signal is pending when the child sets its handlers up.
void SignalNewborn() {
  if (signal_of_newborns != 0) ::kill(::getpid(), signal_of_newborns);
}

// A Ctrl-C reaches the whole process group at any moment.
TEST(WorkerProcessesTest, StopSignalThatComesWhileAWorkerStartsIsIgnored) {
  ASSERT_TRUE(Signals::Install().ok());
  ASSERT_EQ(::pthread_atfork(nullptr, nullptr, &SignalNewborn), 0);
  ServerContext context{{}, absl::InfiniteDuration(), *Statistics::Create()};
  Scoreboard scoreboard = *Scoreboard::Create(1);
  WorkerProcesses workers(scoreboard, *Lifeline::Create(), context);
  for (const int signal : {SIGTERM, SIGINT}) {
    signal_of_newborns = signal;
    ASSERT_TRUE(workers.Fork(0, [] { return Signals::stopping() ? 1 : 0; }).ok());
    int wait_status = 0;
    pid_t pid = -1;
    while ((pid = ::waitpid(-1, &wait_status, 0)) < 0 && errno == EINTR) {
    }
    EXPECT_TRUE(workers.OnChildEnd(pid, wait_status));
    EXPECT_EQ(scoreboard.state(0), Scoreboard::State::kLeft) << signal;
  }
}

}  // namespace
}  // namespace polyserve
