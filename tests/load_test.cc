// The load generator against the real server: what it counts, and what it does not let pass.
#include <linux/magic.h>
#include <signal.h>
#include <sys/vfs.h>

#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/program_path.h"
#include "tests/redis_process.h"
#include "tests/scratch.h"
#include "tests/server_process.h"
#include "tests/tool.h"

namespace polyserve {

namespace {

using nlohmann::json;

struct LoadRun {
  int exit_status;
  json report;  // Not an object if it printed none.
};

LoadRun RunLoadProgram(absl::string_view flags) {
  std::vector<std::string> command = {ProgramPath("client/load/load"), "--json", "--warm_up=0"};
  for (const absl::string_view flag : absl::StrSplit(flags, ' ', absl::SkipEmpty())) command.emplace_back(flag);
  const ToolRun run = RunTool(command, testing::TempDir());
  return {run.exit_status, json::parse(run.output, nullptr, false)};
}

class LoadTest : public testing::Test {
 protected:
  LoadTest()
      : server_({.flags = {"--model=epoll", absl::StrCat("--root=", root_.path()),
                           "--listen=echo://127.0.0.1:0,http://127.0.0.1:0,file://127.0.0.1:0,"
                           "compute://127.0.0.1:0,message://127.0.0.1:0,chat://127.0.0.1:0,echo+udp://127.0.0.1:0,"
                           "wait://127.0.0.1:0"}}) {
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
        std::make_tuple("idle", "echo", ""), std::make_tuple("http", "http", "--name=a --depth=4"),
        std::make_tuple("http-close", "http", "--name=a"), std::make_tuple("download", "file", "--name=a"),
        std::make_tuple("datagrams", "echo+udp", "--size=1000"), std::make_tuple("message", "message", "--size=1000"),
        std::make_tuple("halves", "file", "--name=a --depth=2"), std::make_tuple("library", "file", "--size=3000"),
        std::make_tuple("compute", "compute", "--primes=100"), std::make_tuple("upload", "http", "--size=3000"),
        std::make_tuple("compute-close", "compute", "--primes=100"), std::make_tuple("wait", "wait", "--wait=2ms"),
        std::make_tuple("wait-close", "wait", "--wait=2ms")}) {
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

TEST_F(LoadTest, RelayAsksTheServerBehindTheOneThatIsLoaded) {
  const ServerProcess front({.flags = {"--model=thread", "--listen=relay://127.0.0.1:0",
                                       absl::StrCat("--relay_to=", server_.address("wait"))}});
  const LoadRun run = RunLoadProgram(absl::StrCat("--workload=relay --server=", front.address("relay"),
                                                  " --wait=2ms --connections=8 --depth=2 --duration=300ms"));
  EXPECT_EQ(run.exit_status, 0) << run.report;
  EXPECT_GT(run.report["replies"], 0);
  EXPECT_EQ(run.report["faults"], json::array());
}

TEST_F(LoadTest, RelayIsRefusedByAServerThatAsksNoOther) {
  const ServerProcess front({.flags = {"--model=epoll", "--listen=relay://127.0.0.1:0"}});
  EXPECT_EQ(RunLoadProgram(absl::StrCat("--workload=relay --server=", front.address("relay"))).exit_status, 2);
}

TEST_F(LoadTest, ClientsThatGiveUpAreCounted) {
  for (const std::string retry : {"none", "at_once", "backoff"}) {
    const LoadRun run = Run("compute-close", "compute",
                            absl::StrCat("--primes=100 --rate=20 --duration=1s --give_up=20s --retry=", retry));
    EXPECT_EQ(run.exit_status, 0) << run.report;
    EXPECT_EQ(run.report["faults"], json::array());
    const json& tries = run.report["impatience"];
    EXPECT_EQ(tries["retry"], retry);
    EXPECT_EQ(tries["most_tries"], retry == "none" ? 1 : 3);
    EXPECT_EQ(tries["tries"], run.report["due"]);
    EXPECT_EQ(tries["failed"], 0);
  }
  EXPECT_EQ(Run("upload", "http", "--rate=5 --give_up=1s --size=100").exit_status, 2) << "files have to be stored";
}

// A ramp from 0 to 200 in a second, a burst, a pause: 150 requests, with --arrivals=fixed.
TEST_F(LoadTest, ProfileIsFollowedAndItsRowsAreInFiles) {
  const Scratch files;
  files.Write("profile", "1s 0:200  # a ramp\nburst 50\n500ms 0\n");
  for (const std::string name : {"rows.csv", "rows.ndjson"}) {
    const LoadRun run =
        Run("echo", "echo",
            absl::StrCat("--arrivals=fixed --interval=500ms --threads=2 --profile=", files.PathOf("profile"),
                         " --rows=", files.PathOf(name), " --hgrm=", files.PathOf("times.hgrm")));
    EXPECT_EQ(run.exit_status, 0) << run.report;
    EXPECT_EQ(run.report["due"], 150);
    EXPECT_EQ(run.report["rate"], 100);
    std::vector<int> due;
    for (const json& row : run.report["rows"]) due.push_back(row["due"]);
    EXPECT_EQ(due, (std::vector<int>{25, 75, 50})) << run.report;
  }
  std::vector<std::string> lines = absl::StrSplit(files.Read("rows.ndjson"), '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(json::parse(lines[1])["rate"], 150);
  lines = absl::StrSplit(files.Read("rows.csv"), '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[2].substr(0, 13), "0.5,1,150,75,") << lines[2];
  EXPECT_NE(files.Read("times.hgrm").find("Total count    =          150]"), std::string::npos);
}

TEST_F(LoadTest, RampIsARateThatChangesOverTheDuration) {
  const LoadRun run = Run("echo", "echo", "--rate=300:100 --arrivals=fixed --duration=1s --interval=500ms");
  EXPECT_EQ(run.exit_status, 0) << run.report;
  EXPECT_EQ(run.report["due"], 200);
  EXPECT_EQ(run.report["rates"], json({{"first", 300}, {"last", 100}, {"peak", 300}}));
  EXPECT_EQ(run.report["rows"][0]["rate"], 250);
  EXPECT_EQ(run.report["rows"][0]["due"], 125);
}

TEST_F(LoadTest, FilesOfAnEarlierRunStayIfThereIsNoServer) {
  const Scratch files;
  files.Write("rows.csv", "earlier");
  const LoadRun run =
      RunLoadProgram(absl::StrCat("--workload=http --name=a --server=127.0.0.1:1 --rows=", files.PathOf("rows.csv")));
  EXPECT_EQ(run.exit_status, 3);
  EXPECT_EQ(files.Read("rows.csv"), "earlier");
}

TEST_F(LoadTest, IdleHasACrowdBesideIt) {
  const LoadRun run = Run("idle", "echo", "--connections=2 --duration=300ms");
  EXPECT_EQ(run.exit_status, 0) << run.report;
  EXPECT_GT(run.report["replies"], 0);
  EXPECT_EQ(run.report["connected"], 1002);
}

TEST_F(LoadTest, MixedTellsOfBoth) {
  const LoadRun run = Run("mixed", "echo",
                          absl::StrCat("--beside_server=", server_.address("compute"),
                                       " --beside_connections=3 --primes=100 --connections=2 --duration=300ms"));
  EXPECT_EQ(run.exit_status, 0) << run.report;
  EXPECT_GT(run.report["replies"], 0);
  ASSERT_EQ(run.report["beside"].size(), 1u);
  const json& beside = run.report["beside"][0];
  EXPECT_EQ(beside["workload"], "compute");
  EXPECT_EQ(beside["connected"], 3);
  EXPECT_GT(beside["service_ns"]["p50"], 0);
}

TEST_F(LoadTest, UploadsAreWhereTheyWereSent) {
  const LoadRun run = Run("upload", "http", "--connections=3 --size=100000 --name=up --duration=300ms --depth=2");
  EXPECT_EQ(run.exit_status, 0) << run.report;
  EXPECT_EQ(root_.Names(), (std::vector<std::string>{"a", "up-1", "up-2", "up-3"}));
  EXPECT_EQ(root_.Read("up-1").size(), 100000u);
}

TEST_F(LoadTest, EveryListenerHearsEverything) {
  const LoadRun run = Run("chat", "chat", "--connections=20 --depth=10 --size=100 --duration=300ms");
  EXPECT_EQ(run.exit_status, 0) << run.report;
  EXPECT_GT(run.report["replies"], 0);
  EXPECT_EQ(run.report["connected"], 20);
}

TEST_F(LoadTest, ListenersOfOtherServersHearEverythingInARoomThatServersShare) {
  ASSERT_TRUE(RedisProcess::IsInstalled()) << "tools/setup --test installs redis-server";
  const RedisProcess redis;
  const std::vector<std::string> flags = {"--model=epoll", "--listen=chat://127.0.0.1:0", "--chat_rate=0",
                                          "--room=" + redis.url(), "--room_timeout=1m"};
  ServerProcess a({.flags = flags}), b({.flags = flags}), c({.flags = flags});
  ASSERT_TRUE(a.ready() && b.ready() && c.ready());
  const std::string speaker = absl::StrCat("--workload=chat --depth=10 --duration=300ms --server=", a.address("chat"));
  for (const std::string& listen_at :
       {b.address("chat"), absl::StrCat(a.address("chat"), ",", b.address("chat"), ",", c.address("chat"))}) {
    const LoadRun run = RunLoadProgram(absl::StrCat(speaker, " --connections=20 --listen_at=", listen_at));
    EXPECT_EQ(run.exit_status, 0) << run.report;
    EXPECT_GT(run.report["replies"], 0);
    EXPECT_EQ(run.report["connected"], 20);
    EXPECT_TRUE(Eventually([&redis] { return redis.Ask({"HLEN", "polyserve:names"}) == "0\n"; }));
  }
  // Fewer listeners than servers.
  const LoadRun few =
      RunLoadProgram(absl::StrCat(speaker, " --connections=1 --listen_at=", b.address("chat"), ",", c.address("chat")));
  EXPECT_EQ(few.exit_status, 0) << few.report;
}

TEST_F(LoadTest, SlowReadersTakeNoMoreThanTheyAreTold) {
  root_.WriteZeroes("large", 20'000'000);
  const LoadRun run = Run("slow", "http",
                          "--name=a --connections=2 --beside_name=large --beside_connections=7 --read_rate=50000 "
                          "--duration=1s");
  EXPECT_EQ(run.exit_status, 0) << run.report;
  EXPECT_GT(run.report["replies"], 0);
  ASSERT_EQ(run.report["beside"].size(), 1u);
  EXPECT_GT(run.report["beside"][0]["bytes_in"], 0);
  EXPECT_LE(run.report["beside"][0]["bytes_in"], 7 * 50'000);
}

// A server that serves one client at a time leaves the others hungry.
TEST_F(LoadTest, SlowReadersThatAreNotServedAreAFault) {
  const ServerProcess loop(
      {.flags = {"--model=loop", absl::StrCat("--root=", root_.path()), "--listen=http://127.0.0.1:0"}});
  const LoadRun run = RunLoadProgram(absl::StrCat("--workload=slow --server=", loop.address("http"),
                                                  " --name=a --connections=1 --beside_connections=3 --duration=2s"));
  EXPECT_EQ(run.exit_status, 1);
  const std::string faults = run.report["faults"].dump();
  EXPECT_NE(faults.find("3 of 3 readers got less"), std::string::npos) << faults;
}

TEST_F(LoadTest, WebUsersGetTheirPages) {
  const LoadRun run =
      Run("web", "http",
          absl::StrCat("--connections=300 --threads=2 --duration=1s --think_time=300ms --name=web/ --files=",
                       root_.PathOf("web")));
  EXPECT_EQ(run.exit_status, 0) << run.report;
  EXPECT_EQ(run.report["connected"], 300);
  EXPECT_GT(run.report["replies"], 100);
  EXPECT_GT(run.report["due"], 100);
  EXPECT_EQ(run.report["faults"], json::array());
}

// The right length is not enough.
TEST_F(LoadTest, WebNoticesAPageWithOtherContent) {
  const std::string flags =
      absl::StrCat("--connections=300 --duration=1s --think_time=100ms --name=web/ --files=", root_.PathOf("web"));
  ASSERT_EQ(Run("web", "http", flags).exit_status, 0);
  root_.Write("web/50", std::string(root_.Read("web/50").size(), 'x'));
  const LoadRun run = Run("web", "http", flags);
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_GT(run.report["errors"]["wrong"], 0);
}

TEST_F(LoadTest, ReplayMakesEachRequestAtItsTime) {
  root_.Write("b", "hi");
  root_.Write(
      "log.csv",
      "time,method,path,bytes,client\n0,GET,/a,5,x\n0.1,HEAD,/a,5,x\n0.2,GET,/b,2,y\n0.3,GET,/b,2,\n30,GET,/a,5,x\n");
  const std::string flags = absl::StrCat("--duration=500ms --schedule=", root_.PathOf("log.csv"));
  const LoadRun run = Run("replay", "http", flags);
  EXPECT_EQ(run.exit_status, 0) << run.report;
  EXPECT_EQ(run.report["connections"], 3);
  EXPECT_EQ(run.report["due"], 4);
  EXPECT_EQ(run.report["replies"], 4);
  EXPECT_EQ(Run("replay", "http", flags + " --begin=29900ms").report["due"], 1);
  EXPECT_NE(Run("replay", "http", flags + " --begin=random --seed=3").exit_status, 2);
}

TEST_F(LoadTest, ReplayNoticesFilesOfAnotherLength) {
  root_.Write("log.csv", "0,GET,/a,5,x\n0.1,GET,/a,6,x\n0.2,GET,/none,5,y\n");
  const LoadRun run =
      Run("replay", "http", absl::StrCat("--begin=0 --duration=250ms --schedule=", root_.PathOf("log.csv")));
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_EQ(run.report["replies"], 1);
  EXPECT_EQ(run.report["errors"]["wrong"], 2);
}

TEST_F(LoadTest, ScheduleThatMakesNoSenseIsRefused) {
  root_.Write("post.csv", "0,POST,/a,5,x\n");
  root_.Write("good.csv", "0,GET,/a,5,x\n");
  const std::string post = absl::StrCat("--schedule=", root_.PathOf("post.csv"));
  const std::string good = absl::StrCat("--schedule=", root_.PathOf("good.csv"));
  for (const std::string& flags : {std::string(), post, std::string("--schedule=/no/such/file"), good + " --rate=5",
                                   good + " --idle=5", good + " --begin=soon"}) {
    EXPECT_EQ(Run("replay", "http", flags).exit_status, 2) << flags;
  }
}

// In a file system in memory it reports that the pages stay; in any other they go.
TEST_F(LoadTest, DiskTellsWhereFilesStayInMemory) {
  root_.MakeDirectory("d");
  root_.Write("d/a b", RandomBytes(100'000, 1));
  for (int i = 0; i < 15; ++i) root_.Write(absl::StrCat("d/", i), RandomBytes(100'000, 1));
  const std::string flags = absl::StrCat("--name=d/ --connections=2 --duration=300ms --files=", root_.PathOf("d"));
  struct statfs file_system;
  ASSERT_EQ(::statfs(root_.path().c_str(), &file_system), 0);
  const LoadRun run = Run("disk", "http", flags);
  EXPECT_GT(run.report["replies"], 0);
  EXPECT_EQ(run.exit_status, file_system.f_type == TMPFS_MAGIC ? 1 : 0) << run.report;
}

// As Ctrl-C does: by a shell, to the job that the program is in.
TEST_F(LoadTest, InterruptPrintsWhatWasMeasuredSoFar) {
  const std::string script =
      "set -m; \"$@\" --tell_counting --duration=1h 2>told & pid=$!; until grep -qs counting told; do sleep 0.01; "
      "done; "
      "kill -INT $pid; wait $pid";
  for (const char* json_flag : {"--json", "--nojson"}) {
    const Scratch here;
    const ToolRun run = RunTool({"bash", "-c", script, "bash", ProgramPath("client/load/load"), "--workload=echo",
                                 "--warm_up=0", absl::StrCat("--server=", server_.address("echo")), json_flag},
                                here.path());
    EXPECT_EQ(run.exit_status, 130) << run.output;
    EXPECT_NE(run.output.find(absl::string_view(json_flag) == "--json" ? "\"interrupted\":true" : "INTERRUPTED"),
              std::string::npos)
        << run.output;
  }
}

TEST_F(LoadTest, TellsWhenItCounts) {
  const ToolRun run =
      RunTool({ProgramPath("client/load/load"), "--workload=echo", absl::StrCat("--server=", server_.address("echo")),
               "--warm_up=200ms", "--duration=200ms", "--tell_counting", "--json"},
              testing::TempDir());
  EXPECT_EQ(run.exit_status, 0) << run.output;
  const size_t end = run.output.find('\n');
  EXPECT_EQ(run.output.substr(end + 1), "counting\ncounted\n");
  const json report = json::parse(run.output.substr(0, end), nullptr, false);
  EXPECT_GT(report["replies_in_all"], report["replies"]);
}

TEST_F(LoadTest, IdleConnectionThatIsGoneIsAFault) {
  const ServerProcess server({.flags = {"--model=epoll", "--listen=echo://127.0.0.1:0", "--idle_timeout=200ms"}});
  const LoadRun run = RunLoadProgram(
      absl::StrCat("--workload=echo --server=", server.address("echo"), " --connections=1 --idle=3 --duration=2s"));
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_EQ(run.report["errors"]["broken"], 3);
  EXPECT_EQ(run.report["error_causes"]["closed by the server"], 3);
}

// A name may have addresses at which no server listens.
TEST_F(LoadTest, EveryAddressOfANameIsTried) {
  const std::string address = server_.address("echo");
  const LoadRun run = RunLoadProgram(absl::StrCat(
      "--workload=echo --server=localhost", address.substr(address.rfind(':')), " --connections=1 --duration=1s"));
  EXPECT_EQ(run.exit_status, 0) << run.report;
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

// A server that is stopped for a while delays all requests that were due meanwhile, although only two could be sent.
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

// Its verdicts depend on how busy this machine is; but none of them may be a failure.
TEST(LoadSelfTest, NothingFails) {
  const ToolRun run = RunTool({ProgramPath("client/load/load"), "--self_test", "--json",
                               absl::StrCat("--server_program=", ProgramPath("server"))},
                              testing::TempDir(), "", 4 * kPatience);
  EXPECT_EQ(run.exit_status, 0) << run.output;
  const json report = json::parse(run.output.substr(0, run.output.find('\n')), nullptr, false);
  EXPECT_EQ(report["passed"], true);
  EXPECT_EQ(report["self_test"].size(), 7u);
}

TEST(LoadSelfTest, NeedsAServer) {
  EXPECT_EQ(
      RunTool({ProgramPath("client/load/load"), "--self_test", "--server_program=/no/server"}, "/tmp").exit_status, 2);
}

TEST(LoadUsageTest, ErrorsHaveTheirStatus) {
  EXPECT_EQ(RunLoadProgram("--server=127.0.0.1:1").exit_status, 3);
  EXPECT_EQ(RunLoadProgram("--workload=nonsense").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--connections=0").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--arrivals=never").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--give_up=1s").exit_status, 2) << "without a rate";
  EXPECT_EQ(RunLoadProgram("--rate=5 --retry=at_once").exit_status, 2) << "nobody gives up";
  EXPECT_EQ(RunLoadProgram("--rate=5 --give_up=1s --retry=often").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--rate=5 --give_up=1s --tries=5").exit_status, 2) << "nobody tries again";
  EXPECT_EQ(RunLoadProgram("--rate=5 --give_up=1s --retry=backoff --tries=0").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--rate=5 --give_up=0").exit_status, 2);
  for (const char* flags :
       {"--rate=fast", "--rate=1:2:3", "--rate=-1", "--profile=/no/such/file", "--profile=/dev/null",
        "--profile=/dev/null --rate=5", "--profile=/dev/null --duration=1s", "--rows=rows.txt",
        "--rows=/no/such/dir/rows.csv", "--hgrm=/no/such/dir/times.hgrm", "--rate=1:2 --slices",
        "--hgrm=times.hgrm --slices", "--rate=1:2 --duration=2s --interval=1ms", "--rate=1:2 --depth=2",
        "--interval=inf", "--interval=0"}) {
    EXPECT_EQ(RunLoadProgram(flags).exit_status, 2) << flags;
  }
  EXPECT_EQ(RunLoadProgram("--workload=mixed").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--workload=disk").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--workload=chat --threads=2").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--workload=echo --depth=2 --rate=5").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--workload=message --depth=2").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--workload=datagrams --size=70000").exit_status, 2);
  EXPECT_EQ(RunLoadProgram("--workload=web --think_time=0").exit_status, 2);
}

}  // namespace

}  // namespace polyserve
