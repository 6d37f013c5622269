#include "tests/workers_test.h"

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/eventually.h"
#include "tests/proc.h"

namespace polyserve {

namespace {

std::string NameOf(pid_t process, pid_t thread) {
  std::string name;
  std::getline(std::ifstream(absl::StrCat("/proc/", process, "/task/", thread, "/comm")), name);
  return name;
}

bool Has(const Flags& flags, absl::string_view flag) {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

}  // namespace

bool IsServed(Peer& peer) {
  peer.Send("ping");
  return peer.Read(4) == "ping";
}

std::string NameOfFlags(const testing::TestParamInfo<Flags>& flags) {
  return absl::StrJoin(flags.param, "_", [](std::string* out, absl::string_view flag) {
    absl::StrAppend(out, flag.substr(flag.find('=') + 1));
  });
}

void ExpectRefused(const Flags& flags, absl::string_view hint) {
  const ServerRun run = RunServer(flags);
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_EQ(run.output, "");
  EXPECT_EQ(run.log.find('\n') + 1, run.log.size()) << run.log;
  EXPECT_TRUE(absl::StrContains(run.log, hint)) << run.log << "does not say: " << hint;
}

void WorkersTest::StartServer(const Flags& more) {
  Flags flags = GetParam();
  flags.push_back("--listen=echo://127.0.0.1:0");  // The test may say otherwise.
  flags.insert(flags.end(), more.begin(), more.end());
  server_ = std::make_unique<ServerProcess>(ServerProcess::Options{.flags = flags});
  ASSERT_TRUE(server_->ready());
}

void WorkersTest::TearDown() {
  if (server_ == nullptr) return;
  if (!is_told_) Stop();
  EXPECT_EQ(server_->AwaitExit(), 0);
  EXPECT_TRUE(Eventually([this] { return server_->processes().empty(); }));
  EXPECT_FALSE(absl::StrContains(server_->log(), "Sanitizer"));
}

void WorkersTest::Stop() {
  is_told_ = true;
  server_->SignalAndAwaitDelivery(SIGTERM);
}

void WorkersTest::ExpectServes() {
  Peer peer = Connect();
  EXPECT_TRUE(IsServed(peer));
}

void WorkersTest::ExpectReports(absl::string_view words) {
  EXPECT_TRUE(Eventually([this, words] {
    server().Signal(SIGUSR1);
    return absl::StrContains(server().log(), words);
  })) << words;
}

std::vector<pid_t> WorkersTest::Workers() const {
  const pid_t pid = server_->pid();
  std::vector<pid_t> workers = has_threads() ? ThreadsOf(pid) : server_->processes();
  std::erase(workers, pid);
  // A thread that serves nobody has a name of its own.
  if (has_threads()) std::erase_if(workers, [pid](pid_t worker) { return NameOf(pid, worker) != NameOf(pid, pid); });
  return workers;
}

bool WorkersTest::AwaitWorkers(size_t count) {
  return Eventually([this, count] { return Workers().size() == count; });
}

void WorkersTest::SignalWorkers(int signal) {
  for (const pid_t worker : Workers()) ::kill(worker, signal);
}

bool WorkersTest::has_threads() {
  return !Has(GetParam(), "--model=prefork") && !Has(GetParam(), "--model=hybrid") &&
         !Has(GetParam(), "--worker_type=process");
}

}  // namespace polyserve
