// WorkerSlots: which workers are listed, and what becomes of the place of a worker that is killed.
#include "net/worker_slots.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <thread>

#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

class WorkerSlotsTest : public testing::Test {
 protected:
  WorkerSlotsTest() : fd_(::memfd_create("places", MFD_CLOEXEC)), table_(*Map(fd_.get())), places_(table_, fd_.get()) {
    table_.server = ::getpid();
  }
  ~WorkerSlotsTest() override { ::munmap(&table_, sizeof(table_)); }

  static WorkerSlots::Table* Map(int fd) {
    EXPECT_EQ(::ftruncate(fd, sizeof(WorkerSlots::Table)), 0);
    void* memory = ::mmap(nullptr, sizeof(WorkerSlots::Table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return static_cast<WorkerSlots::Table*>(memory);
  }

  // A process that takes a place, and then waits to be killed.
  pid_t StartWorker(int64_t clients) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      places_.Take(clients, {});
      [[maybe_unused]] const ssize_t written = ::write(ready[1], "", 1);
      while (true) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
    return pid;
  }

  // A process that takes the first place, and is killed at the first moment at which its name is there: it is stepped
  // through, as by a debugger. False if the system does not allow that.
  bool KillWhileItTakes(int64_t clients) {
    table_.hint = 0;
    const pid_t pid = ::fork();
    if (pid == 0) {
      if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(1);
      ::raise(SIGSTOP);
      places_.Take(clients, {});
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (!WIFSTOPPED(status)) return false;
    while (table_.places[0].owner == 0) {
      EXPECT_EQ(::ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr), 0);
      ::waitpid(pid, &status, 0);
      if (!WIFSTOPPED(status)) return false;
    }
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return true;
  }

  // It stays a zombie until it is waited for.
  static void Kill(pid_t pid) {
    ::kill(pid, SIGKILL);
    siginfo_t info;
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  }

  const UniqueFd fd_;
  WorkerSlots::Table& table_;
  const WorkerSlots places_;
};

TEST_F(WorkerSlotsTest, ListsThreadsAndProcessesUntilTheyLeave) {
  const int own = places_.Take(0, {});
  pid_t other_thread = 0;
  std::thread([&] {
    const int place = places_.Take(0, {});
    other_thread = ::gettid();
    EXPECT_EQ(places_.List().size(), 2);
    EXPECT_EQ(places_.List()[1].thread, other_thread);
    places_.Leave(place);
  }).join();
  const pid_t worker = StartWorker(0);
  ASSERT_EQ(places_.List().size(), 2);
  EXPECT_EQ(places_.List()[0].process, ::getpid());
  EXPECT_EQ(places_.List()[1].process, worker);
  Kill(worker);
  ::waitpid(worker, nullptr, 0);
  places_.Leave(own);
  EXPECT_TRUE(places_.List().empty());
}

TEST_F(WorkerSlotsTest, ClientsOfTheKilledAreLostOnce) {
  const pid_t killed = StartWorker(3);
  const pid_t living = StartWorker(5);
  EXPECT_EQ(places_.Sweep(), 0);
  Kill(killed);
  EXPECT_EQ(places_.Sweep(), 3) << "though nobody has waited for it";
  EXPECT_EQ(places_.Sweep(), 0);
  EXPECT_EQ(places_.List().size(), 1);
  Kill(living);
  EXPECT_EQ(places_.Sweep(), 5);
  ::waitpid(killed, nullptr, 0);
  ::waitpid(living, nullptr, 0);
}

TEST_F(WorkerSlotsTest, ClientsOfAPredecessorAreNotLostAgain) {
  const pid_t killed = StartWorker(3);
  Kill(killed);
  EXPECT_EQ(places_.Sweep(), 3);
  ::waitpid(killed, nullptr, 0);
  if (!KillWhileItTakes(5)) GTEST_SKIP() << "no process may be traced here";
  EXPECT_EQ(places_.Sweep(), 5);
}

TEST_F(WorkerSlotsTest, AnyProcessCanSweep) {
  const pid_t killed = StartWorker(3);
  Kill(killed);
  const pid_t sweeper = ::fork();
  if (sweeper == 0) ::_exit(static_cast<int>(places_.Sweep()));
  int status = 0;
  ::waitpid(sweeper, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 3);
  ::waitpid(killed, nullptr, 0);
}

TEST_F(WorkerSlotsTest, PlacesAreUsedAgain) {
  for (int i = 0; i < 3 * WorkerSlots::kMaxPlaces; ++i) places_.Leave(places_.Take(1, {}));
  EXPECT_LT(table_.used, 10);
  EXPECT_EQ(places_.Sweep(), 0);
}

TEST_F(WorkerSlotsTest, WhoFindsNoPlaceIsNotListed) {
  for (int i = 0; i < WorkerSlots::kMaxPlaces; ++i) ASSERT_GE(places_.Take(0, {}), 0);
  EXPECT_EQ(places_.Take(0, {}), -1);
  places_.Leave(-1);
}

}  // namespace
}  // namespace polyserve
