// Process: its life, with each start method. This program is its own image: see main().
#include "net/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "net/signals.h"

namespace polyserve {
namespace {

constexpr absl::Duration kDeadline = absl::Seconds(30);

// What the children run: "say X" writes X to the first descriptor, "exit N" exits, "wait" waits for a stop, and "spin"
// with all its might; "orphan" writes "!" to the first descriptor and kills its parent.
int Child(std::vector<UniqueFd> descriptors, absl::string_view argument) {
  if (absl::ConsumePrefix(&argument, "say ")) {
    return ::write(descriptors.at(0).get(), argument.data(), argument.size()) > 0 ? 0 : 1;
  }
  if (absl::ConsumePrefix(&argument, "exit ")) return argument == "3" ? 3 : 0;
  if (argument == "orphan") {
    const bool is_written = ::write(descriptors.at(0).get(), "!", 1) == 1;
    ::kill(::getppid(), SIGKILL);
    return is_written ? 0 : 1;
  }
  Signals::InstallInWorker();
  while (argument == "spin" && !Signals::stopping()) {
  }
  if (!descriptors.empty()) [[maybe_unused]]
    const ssize_t written = ::write(descriptors[0].get(), "!", 1);
  while (!Signals::stopping()) ::poll(nullptr, 0, 10);
  return 0;
}

// What comes out of the pipe up to its end.
std::string ReadAll(int fd) {
  std::string text;
  char byte;
  while (::read(fd, &byte, 1) == 1) text += byte;
  return text;
}

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  UniqueFd reader, writer;
};

class ProcessTest : public testing::TestWithParam<Process::StartMethod> {
 protected:
  static void TearDownTestSuite() { Process::StopForkServer(); }

  Process Start(const std::string& argument, const std::vector<int>& descriptors = {}) {
    absl::StatusOr<Process> child =
        Process::Start({.name = "child", .start_method = GetParam()}, &Child, descriptors, argument);
    EXPECT_TRUE(child.ok()) << child.status();
    return *std::move(child);
  }
};

TEST_P(ProcessTest, RunsTheEntryWithItsDescriptorsAndArgument) {
  Pipe pipe;
  Process child = Start("say hello world", {pipe.writer.get()});
  EXPECT_EQ(child.name(), "child");
  EXPECT_NE(child.pid(), ::getpid());
  pipe.writer.reset();
  EXPECT_EQ(ReadAll(pipe.reader.get()), "hello world");
  EXPECT_TRUE(child.Join(kDeadline));
  EXPECT_FALSE(child.IsAlive());
}

TEST_P(ProcessTest, JoinGivesUpAtItsTimeOutAndLeavesNoZombieInTheEnd) {
  Process child = Start("wait");
  EXPECT_TRUE(child.IsAlive());
  EXPECT_FALSE(child.Join(absl::Milliseconds(20)));
  while (!child.Join(absl::Milliseconds(50))) child.Terminate();
  EXPECT_TRUE(child.Join(absl::ZeroDuration())) << "again";
  EXPECT_EQ(::waitpid(child.pid(), nullptr, WNOHANG), -1) << "nothing is left to wait for";
}

TEST_P(ProcessTest, OutlivesTheSignalsThatAreForItsParent) {
  Pipe pipe;
  Process child = Start("wait", {pipe.writer.get()});
  ::kill(child.pid(), SIGHUP);  // At once: it may not have its own handlers yet.
  ::kill(child.pid(), SIGUSR1);
  char byte;
  ASSERT_EQ(::read(pipe.reader.get(), &byte, 1), 1);
  EXPECT_TRUE(child.IsAlive());
  while (!child.Join(absl::Milliseconds(50))) child.Terminate();
}

TEST_P(ProcessTest, DaemonsEndWithAParentThatIsKilled) {
  Pipe alive;  // Its writing end is held by the grandchild alone.
  const pid_t parent = ::fork();
  if (parent == 0) {
    alive.reader.reset();
    Process::StopForkServer();
    absl::StatusOr<Process> child =
        Process::Start({.name = "daemon", .start_method = GetParam()}, &Child, {alive.writer.get()}, "wait");
    alive.writer.reset();
    while (child.ok()) ::pause();
    ::_exit(1);
  }
  alive.writer.reset();
  char byte;
  ASSERT_EQ(::read(alive.reader.get(), &byte, 1), 1) << "the daemon runs";
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_EQ(ReadAll(alive.reader.get()), "") << "the daemon has ended, and with it the pipe";
}

INSTANTIATE_TEST_SUITE_P(AllStartMethods, ProcessTest,
                         testing::Values(Process::StartMethod::kFork, Process::StartMethod::kSpawn,
                                         Process::StartMethod::kForkServer));

Process::Options ByForkServer() { return {.name = "child", .start_method = Process::StartMethod::kForkServer}; }

// The parent of a child that waits.
pid_t ForkServerOf(const Process& child) {
  const std::string stat_path = absl::StrCat("/proc/", child.pid(), "/stat");
  const UniqueFd stat(::open(stat_path.c_str(), O_RDONLY));
  int server = -1;
  char text[512] = "";
  EXPECT_GT(::read(stat.get(), text, sizeof(text) - 1), 0);
  EXPECT_EQ(std::sscanf(text, "%*d (%*[^)]) %*c %d", &server), 1);
  return server;
}

TEST(ForkServerTest, IsStartedAnewWhereItHasDied) {
  absl::StatusOr<Process> probe = Process::Start(ByForkServer(), &Child, {}, "wait");
  ASSERT_TRUE(probe.ok());
  ::kill(ForkServerOf(*probe), SIGKILL);
  EXPECT_TRUE(probe->Join(kDeadline)) << "its daemons end with it";
  absl::StatusOr<Process> next = Process::Start(ByForkServer(), &Child, {}, "exit 0");
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_TRUE(next->Join(kDeadline));
  Process::StopForkServer();
}

// A second child would serve the first one's client from the start. All share a processor with one that keeps it busy,
// so that a fork server is often killed before it has told of the child.
TEST(ForkServerTest, MakesNoSecondChildWhereItDiesBeforeItHasToldOfTheFirst) {
  cpu_set_t before, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(before), &before), 0);
  CPU_ZERO(&one);
  CPU_SET(::sched_getcpu(), &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  absl::StatusOr<Process> busy = Process::Start({.name = "busy"}, &Child, {}, "spin");
  for (int i = 0; i < 40; ++i) {
    Pipe pipe;
    absl::StatusOr<Process> child = Process::Start(ByForkServer(), &Child, {pipe.writer.get()}, "orphan");
    pipe.writer.reset();
    EXPECT_LE(ReadAll(pipe.reader.get()).size(), 1u);
  }
  Process::StopForkServer();
  ASSERT_TRUE(busy.ok());
  busy->Terminate();
  EXPECT_TRUE(busy->Join(kDeadline));
  ::sched_setaffinity(0, sizeof(before), &before);
}

TEST(ForkServerTest, RefusesRatherThanLosesAChildWhereNoDescriptorIsLeft) {
  ASSERT_TRUE(Process::StartForkServer().ok());
  std::vector<UniqueFd> all;
  rlimit before;
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few = {32, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) all.emplace_back(fd);
  const absl::StatusOr<Process> child = Process::Start(ByForkServer(), &Child, {}, "wait");
  EXPECT_FALSE(child.ok());
  all.clear();
  ::setrlimit(RLIMIT_NOFILE, &before);
  Process::StopForkServer();
}

TEST(DescribeExitTest, TellsStatusAndSignal) {
  EXPECT_EQ(DescribeExit(3 << 8), "exited with status 3");
  EXPECT_EQ(DescribeExit(SIGKILL), "was killed by signal 9 (Killed)");
}

}  // namespace
}  // namespace polyserve

int main(int argc, char** argv) {
  polyserve::Process::SetCommandLine(argc, argv);
  if (polyserve::Process::IsImage()) return polyserve::Process::RunImage(&polyserve::Child);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
