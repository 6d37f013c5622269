// The load generator against the real server: what it counts, and what it does not let pass.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/scratch.h"
#include "tests/server_process.h"
#include "tools/cpp/runfiles/runfiles.h"

namespace polyserve {

namespace {

using bazel::tools::cpp::runfiles::Runfiles;
using nlohmann::json;

struct LoadRun {
  int exit_status;
  json report;  // Null where it printed none.
};

LoadRun RunLoadProgram(const std::string& flags) {
  std::string error;
  const std::unique_ptr<Runfiles> runfiles(Runfiles::Create(program_invocation_name, &error));
  const std::string program = runfiles->Rlocation("polyserve/client/load");
  FILE* pipe = ::popen(absl::StrCat(program, " --json --warm_up=0 ", flags).c_str(), "r");
  std::string output;
  char buffer[4096];
  for (size_t count; (count = ::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) output.append(buffer, count);
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, json::parse(output, nullptr, false)};
}

class LoadTest : public testing::Test {
 protected:
  LoadTest()
      : server_({.flags = {"--model=epoll", absl::StrCat("--root=", root_.path()),
                           "--listen=echo://127.0.0.1:0,http://127.0.0.1:0,file://127.0.0.1:0,"
                           "compute://127.0.0.1:0,message://127.0.0.1:0"}}) {
    root_.Write("a", "hello");
  }

  LoadRun Run(absl::string_view workload, absl::string_view service, absl::string_view flags) {
    return RunLoadProgram(absl::StrCat("--workload=", workload, " --server=", server_.address(service), " ", flags));
  }

  Scratch root_;
  ServerProcess server_;
};

TEST_F(LoadTest, EveryWorkloadGetsItsReplies) {
  for (const auto& [workload, service, flags] :
       {std::make_tuple("echo", "echo", "--size=1000"), std::make_tuple("churn", "echo", ""),
        std::make_tuple("http", "http", "--name=a --depth=4"), std::make_tuple("http-close", "http", "--name=a"),
        std::make_tuple("download", "file", "--name=a"), std::make_tuple("compute", "compute", "--primes=100")}) {
    SCOPED_TRACE(workload);
    const LoadRun run =
        Run(workload, service, absl::StrCat("--connections=8 --idle=5 --threads=2 --duration=300ms ", flags));
    EXPECT_EQ(run.exit_status, 0) << run.report;
    EXPECT_GT(run.report["replies"], 0);
    EXPECT_EQ(run.report["connected"], 13);
    EXPECT_EQ(run.report["faults"], json::array());
    EXPECT_EQ(run.report["service_ns"]["count"], run.report["response_ns"]["count"]);
    EXPECT_LE(run.report["service_ns"]["p50"], run.report["service_ns"]["max"]);
    EXPECT_GT(run.report["fairness"], 0);
    EXPECT_LE(run.report["fairness"], 1.0001);
  }
}

TEST_F(LoadTest, WrongReplyIsAFault) {
  const LoadRun run = Run("echo", "message", "--connections=2 --duration=200ms");
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_GT(run.report["errors"]["wrong"], 0);
}

TEST_F(LoadTest, RateThatIsNotReachedIsAFault) {
  const LoadRun run = Run("compute", "compute", "--primes=300000 --connections=2 --rate=100000 --duration=200ms");
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_LT(run.report["replies"], run.report["due"]);
  EXPECT_GE(run.report["faults"].size(), 1u);
}

// A server that is stopped for a while costs everybody who was due meanwhile, although only two could be sent.
TEST_F(LoadTest, StallShowsInTheResponseTimesOfAllThatWereDue) {
  constexpr absl::Duration kStall = absl::Seconds(1);
  const size_t descriptors = server_.CountDescriptors();
  std::future<LoadRun> running = std::async(std::launch::async, [this] {
    return Run("echo", "echo", "--connections=2 --rate=200 --arrivals=fixed --duration=3s");
  });
  ASSERT_TRUE(Eventually([&] { return server_.CountDescriptors() == descriptors + 2; }));
  server_.Signal(SIGSTOP);
  absl::SleepFor(kStall);
  server_.Signal(SIGCONT);
  const LoadRun run = running.get();
  const int64_t half = absl::ToInt64Nanoseconds(kStall / 2);
  EXPECT_GE(run.report["response_ns"]["p90"], half) << run.report;  // A sixth of all was due in its first half.
  EXPECT_GE(run.report["service_ns"]["max"], half);
}

TEST_F(LoadTest, ServerThatEndsIsNoticed) {
  const size_t descriptors = server_.CountDescriptors();
  std::future<LoadRun> running =
      std::async(std::launch::async, [this] { return Run("echo", "echo", "--connections=2 --duration=1s"); });
  ASSERT_TRUE(Eventually([&] { return server_.CountDescriptors() >= descriptors + 2; }));
  server_.Signal(SIGKILL);
  const LoadRun run = running.get();
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_GE(run.report["errors"]["broken"], 2);
}

TEST(LoadUsageTest, ErrorsHaveTheirStatus) {
  EXPECT_EQ(RunLoadProgram("--server=127.0.0.1:1 2>&1").exit_status, 3);
  EXPECT_EQ(RunLoadProgram("--workload=nonsense 2>&1").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--connections=0 2>&1").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--arrivals=never 2>&1").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--workload=echo --depth=2 --rate=5 2>&1").exit_status, 2);
}

}  // namespace

}  // namespace polyserve
