// --workers=auto with the real server: what an affinity and a control group give it, under models of each kind. How the
// number is found is tested in net/available_processors_test.cc.
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/server_process.h"
#include "tests/workers_test.h"

namespace polyserve {

namespace {

// The processors of the own affinity.
std::vector<int> Processors() {
  cpu_set_t set;
  std::vector<int> found;
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return found;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) found.push_back(cpu);
  }
  return found;
}

// For ServerProcess::Options::before_exec: on one processor.
void StayOn(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  ::sched_setaffinity(0, sizeof(one), &one);
}

// What the log says that --workers=auto has come to; 0 if it says nothing of it.
size_t NumberInTheLog(const ServerProcess& server) {
  const std::vector<std::string> parts = absl::StrSplit(server.log(), absl::MaxSplits("--workers=auto is ", 1));
  size_t number = 0;
  if (parts.size() != 2) return 0;
  const std::vector<std::string> rest = absl::StrSplit(parts[1], absl::MaxSplits(':', 1));
  return absl::SimpleAtoi(rest[0], &number) ? number : 0;
}

bool WriteFile(const std::string& path, absl::string_view text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

// Where the own control group with a processor quota is, version 1 or 2; empty if no such hierarchy is mounted where it
// usually is (cgroups(7)).
std::string OwnGroup() {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const bool is_v2 = fields[1].empty();
    if (!is_v2 && fields[1] != "cpu" && fields[1] != "cpu,cpuacct") continue;
    const std::string folder =
        absl::StrCat("/sys/fs/cgroup", is_v2 ? "" : "/", fields[1], fields[2] == "/" ? "" : fields[2]);
    if (::access(absl::StrCat(folder, "/cgroup.procs").c_str(), W_OK) == 0) return folder;
  }
  return "";
}

// A group with half a processor, and one within it that has no quota of its own. Removed at the end, when nothing runs
// there any more.
class HalfAProcessor {
 public:
  HalfAProcessor() : outer_(absl::StrCat(OwnGroup(), "/polyserve-test-", ::getpid())), inner_(outer_ + "/inner") {
    const std::string own = OwnGroup();
    if (own.empty() || ::mkdir(outer_.c_str(), 0755) != 0) return;
    if (::access((own + "/cgroup.subtree_control").c_str(), F_OK) == 0) {
      WriteFile(own + "/cgroup.subtree_control", "+cpu");
      is_there_ = WriteFile(outer_ + "/cpu.max", "50000 100000");
    } else {
      is_there_ =
          WriteFile(outer_ + "/cpu.cfs_period_us", "100000") && WriteFile(outer_ + "/cpu.cfs_quota_us", "50000");
    }
    is_there_ = ::mkdir(inner_.c_str(), 0755) == 0 && is_there_;
  }
  ~HalfAProcessor() {
    Eventually([this] { return ::rmdir(inner_.c_str()) == 0 || ::access(inner_.c_str(), F_OK) != 0; });
    ::rmdir(outer_.c_str());
  }
  HalfAProcessor(const HalfAProcessor&) = delete;
  HalfAProcessor& operator=(const HalfAProcessor&) = delete;

  // False if the system lets us make none.
  bool is_there() const { return is_there_; }
  const std::string& folder() const { return outer_; }
  // For ServerProcess::Options::before_exec: moves the calling process there.
  std::function<void()> join() const {
    return [procs = inner_ + "/cgroup.procs"] {
      const int fd = ::open(procs.c_str(), O_WRONLY | O_CLOEXEC);
      if (fd < 0 || ::write(fd, "0", 1) != 1) ::_exit(1);  // The server then ends before it is ready.
      ::close(fd);
    };
  }

 private:
  std::string outer_;
  std::string inner_;
  bool is_there_ = false;
};

void ExpectServes(const ServerProcess& server) {
  Peer peer(server.address("echo"));
  EXPECT_TRUE(IsServed(peer));
}

TEST(AutomaticWorkersTest, OneProcessorOfTheAffinityIsOneWorker) {
  const std::vector<int> processors = Processors();
  ASSERT_FALSE(processors.empty());
  ServerProcess server({.flags = {"--model=prefork", "--workers=auto", "--listen=echo://127.0.0.1:0"},
                        .before_exec = [cpu = processors.back()] { StayOn(cpu); }});
  ASSERT_TRUE(server.ready());
  EXPECT_TRUE(absl::StrContains(server.log(), "--workers=auto is 1: it may run on 1 processor")) << server.log();
  EXPECT_TRUE(Eventually([&server] { return server.processes().size() == 2; }));  // The server and its worker.
  ExpectServes(server);
}

TEST(AutomaticWorkersTest, WithoutABoundThereAreAsManyLoopsAsProcessors) {
  ServerProcess server(
      {.flags = {"--model=epoll", "--workers=auto", "--worker_type=process", "--listen=echo://127.0.0.1:0"}});
  ASSERT_TRUE(server.ready());
  // Fewer if the test itself runs in a group with a quota, which the log then names.
  const size_t loops = NumberInTheLog(server);
  if (!absl::StrContains(server.log(), ": the control group ")) {
    EXPECT_EQ(loops, Processors().size()) << server.log();
  }
  ASSERT_GE(loops, 1) << server.log();
  EXPECT_TRUE(Eventually([&] { return server.processes().size() == loops + 1; })) << loops;
  ExpectServes(server);
}

TEST(AutomaticWorkersTest, QuotaOfAGroupAboveTheServersOwnIsHeeded) {
  const HalfAProcessor group;
  if (!group.is_there()) GTEST_SKIP() << "no control group with a quota can be made here";
  for (const char* model : {"epoll", "uring", "prefork", "threadpool", "hybrid", "leader", "halfsync"}) {
    ServerProcess server({.flags = {absl::StrCat("--model=", model), "--workers=auto", "--listen=echo://127.0.0.1:0"},
                          .before_exec = group.join()});
    ASSERT_TRUE(server.ready()) << model << server.log();
    EXPECT_TRUE(absl::StrContains(server.log(), "--workers=auto is 1: ")) << server.log();
    EXPECT_TRUE(absl::StrContains(server.log(), absl::StrCat(group.folder(), " gives 0.5 processors"))) << server.log();
    ExpectServes(server);
  }
}

TEST(AutomaticWorkersTest, BoundsOfAPoolMoveIt) {
  ServerProcess server(
      {.flags = {"--model=prefork", "--workers=auto", "--workers_min=5", "--listen=echo://127.0.0.1:0"},
       .before_exec = [cpu = Processors().back()] { StayOn(cpu); }});
  ASSERT_TRUE(server.ready());
  EXPECT_TRUE(absl::StrContains(server.log(), "--workers=auto is 5: ")) << server.log();
  EXPECT_TRUE(Eventually([&server] { return server.processes().size() == 6; }));
}

TEST(AutomaticWorkersTest, LoopsThatTheProcessorSelectsMayBeOne) {
  for (const char* type : {"thread", "process"}) {
    ServerProcess server({.flags = {"--model=epoll", "--workers=auto", absl::StrCat("--worker_type=", type),
                                    "--accept=bpf", "--listen=echo://127.0.0.1:0"},
                          .before_exec = [cpu = Processors().back()] { StayOn(cpu); }});
    ASSERT_TRUE(server.ready()) << type;
    EXPECT_EQ(NumberInTheLog(server), 1) << server.log();
    ExpectServes(server);
  }
}

TEST(AutomaticWorkersTest, ServerWithANumberSaysNothing) {
  ServerProcess server({.flags = {"--model=prefork", "--workers=2", "--listen=echo://127.0.0.1:0"}});
  ASSERT_TRUE(server.ready());
  EXPECT_FALSE(absl::StrContains(server.log(), "--workers")) << server.log();
}

TEST(AutomaticWorkersTest, OtherWordsAreRefused) {
  for (const char* model : {"prefork", "epoll", "leader"}) {
    ExpectRefused({absl::StrCat("--model=", model), "--workers=all"}, "--workers='all' is neither a number nor 'auto'");
  }
  ExpectRefused({"--model=fork", "--workers=auto"}, "--workers");
  ExpectRefused({"--model=prefork", "--workers="}, "--workers=''");
}

}  // namespace

}  // namespace polyserve
