// A system that lacks what a model needs: the server refuses to start, with one line and status 2, or it serves. It is
// never ready without being able to serve, and it never ends by a failed check.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/call_gate.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/refuse_call.h"
#include "tests/server_process.h"
#include "tests/workers_test.h"

namespace polyserve {

namespace {

// In a mount namespace of its own. Async-signal-safe. False if it may not.
bool TakeProcAway() {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::umount2("/proc", MNT_DETACH) == 0;
}

bool MayTakeProcAway() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(TakeProcAway() ? 0 : 1);
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && status == 0;
}

// AddressSanitizer looks for leaks at the end, by a process of its own, which finds threads by /proc. A server that is
// started while this object lives does without.
class WithoutLeakSearch {
 public:
  WithoutLeakSearch() {
    const char* const options = ::getenv("ASAN_OPTIONS");
    if (options != nullptr) before_ = options;
    ::setenv("ASAN_OPTIONS", absl::StrCat(before_, ":detect_leaks=0").c_str(), 1);
  }
  ~WithoutLeakSearch() { ::setenv("ASAN_OPTIONS", before_.c_str(), 1); }
  WithoutLeakSearch(const WithoutLeakSearch&) = delete;
  WithoutLeakSearch& operator=(const WithoutLeakSearch&) = delete;

 private:
  std::string before_;
};

// Every mechanism that a model is made of.
const Flags kModels[] = {
    {"--model=loop"},
    {"--model=fork"},
    {"--model=fork", "--reap=double_fork"},
    {"--model=multiprocess"},
    {"--model=multiprocess", "--start_method=spawn"},
    {"--model=multiprocess", "--start_method=forkserver"},
    {"--model=exec"},
    {"--model=thread"},
    {"--model=prefork", "--accept=shared"},
    {"--model=prefork", "--accept=pass"},
    {"--model=threadpool", "--accept=shared"},
    {"--model=threadpool", "--accept=pass"},
    {"--model=hybrid", "--accept=shared"},
    {"--model=hybrid", "--accept=pass"},
    {"--model=hybrid", "--serve=events"},
    {"--model=nonblock"},
    {"--model=select"},
    {"--model=sigio"},
    {"--model=leader"},
    {"--model=halfsync"},
    {"--model=staged"},
    {"--model=stealing"},
    {"--model=epoll"},
    {"--model=coroutine"},
    {"--model=fiber"},
    {"--model=uring"},
    {"--model=epoll", "--workers=3"},
    {"--model=epoll", "--workers=3", "--accept=pass"},
    {"--model=epoll", "--workers=3", "--worker_type=process"},
    {"--model=select", "--workers=3", "--worker_type=process", "--accept=pass"},
};

class NeedsTest : public testing::TestWithParam<Flags> {
 protected:
  void SetUp() override {
    if (RunServer({GetParam()[0], "--listen=echo://256.0.0.1:0"}).log.find("io_uring") != std::string::npos) {
      GTEST_SKIP() << "not on this system";
    }
  }

  // Starts the server in such a system. Returns whether it serves.
  bool ServesOrRefuses(const std::function<void()>& before_exec) {
    Flags flags = GetParam();
    flags.push_back("--listen=echo://127.0.0.1:0,echo+udp://127.0.0.1:0,tftp+udp://127.0.0.1:0");
    ServerProcess server({.flags = flags, .before_exec = before_exec});
    if (server.ready()) {
      {
        Peer peer(server.address("echo"));
        EXPECT_TRUE(IsServed(peer));
      }
      server.Signal(SIGTERM);
      EXPECT_EQ(server.AwaitExit(), 0);
      return true;
    }
    EXPECT_EQ(server.AwaitExit(), 2);
    EXPECT_EQ(server.output(), "");
    const std::string log = server.log();
    EXPECT_TRUE(absl::StartsWith(log, "server: ") || absl::StrContains(log, "\nserver: ")) << log;
    EXPECT_FALSE(absl::StrContains(log, "Check failed")) << log;
    return false;
  }
};

std::string NameOfModel(const testing::TestParamInfo<Flags>& flags) {
  return absl::StrCat(NameOfFlags(flags), "_", flags.index);
}

INSTANTIATE_TEST_SUITE_P(, NeedsTest, testing::ValuesIn(kModels), NameOfModel);

TEST_P(NeedsTest, WithoutProcItServesOrRefuses) {
  if (!MayTakeProcAway()) GTEST_SKIP() << "it takes root to unmount /proc";
  const WithoutLeakSearch none;
  ServesOrRefuses([] { TakeProcAway(); });
}

// As if RLIMIT_NPROC were used up. What a model with a loop needs it has, and one that needs more must say so at once.
TEST_P(NeedsTest, WithoutProcessesAndThreadsItServesOrRefuses) {
  const WithoutLeakSearch none;
  const std::vector<int> calls = BirthCalls();
  ServesOrRefuses([&calls] {
    for (const int call : calls) RefuseCall(call, EAGAIN);
  });
}

TEST_P(NeedsTest, WithoutPidfdsItServesOrRefuses) {
  const bool serves = ServesOrRefuses([] { RefuseCall(SYS_pidfd_open, ENOSYS); });
  EXPECT_EQ(serves, GetParam().back() != "--start_method=forkserver");
}

// As if /proc/sys/fs/epoll/max_user_watches were used up.
TEST_P(NeedsTest, WithoutRoomForAnEpollItServesOrRefuses) {
  ServesOrRefuses([] { RefuseCall(SYS_epoll_ctl, ENOSPC); });
}

TEST_P(NeedsTest, WithoutEventfdsItServesOrRefuses) {
  ServesOrRefuses([] { RefuseCall(SYS_eventfd2, EMFILE); });
}

TEST_P(NeedsTest, WithAHandfulOfDescriptorsItServesOrRefuses) {
  if (kChecksPointers) GTEST_SKIP() << "the sanitizer itself needs descriptors (a pipe to look at an object's type)";
  bool served = false;
  for (rlim_t most = 8; most <= 512 && !served; most += most / 4) {
    served = ServesOrRefuses([most] {
      const rlimit few = {most, most};
      ::setrlimit(RLIMIT_NOFILE, &few);
    });
  }
  EXPECT_TRUE(served);
}

// --busy_poll sets a parameter of the epoll by an ioctl(2), which older kernels do not know.
TEST(BusyPollTest, KernelWithoutItIsToldBeforeAnythingIsBound) {
  ServerProcess server({.flags = {"--model=epoll", "--busy_poll=50", "--listen=echo://127.0.0.1:0"},
                        .before_exec = [] { RefuseCall(SYS_ioctl, ENOTTY); }});
  EXPECT_FALSE(server.ready());
  EXPECT_EQ(server.AwaitExit(), 2);
  EXPECT_EQ(server.output(), "");
  EXPECT_TRUE(absl::StrContains(server.log(), "needs Linux 6.9")) << server.log();
}

TEST(BusyPollTest, ServesWithItWhereTheKernelHasIt) {
  for (const char* model : {"--model=epoll", "--model=coroutine", "--model=fiber"}) {
    ServerProcess server({.flags = {model, "--busy_poll=50", "--workers=2", "--listen=echo://127.0.0.1:0"}});
    if (!server.ready()) {
      EXPECT_TRUE(absl::StrContains(server.log(), "needs Linux 6.9")) << server.log();
      continue;
    }
    {
      Peer peer(server.address("echo"));
      EXPECT_TRUE(IsServed(peer));
    }
    server.Signal(SIGTERM);
    EXPECT_EQ(server.AwaitExit(), 0);
  }
}

}  // namespace

}  // namespace polyserve
