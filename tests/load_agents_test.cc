// A load from several hosts: real agents and a real server, all of them on this machine.
#include <signal.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "client/load/child.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/program_path.h"
#include "tests/scratch.h"
#include "tests/server_process.h"
#include "tests/tool.h"

namespace polyserve {

namespace {

using nlohmann::json;

// Of load: an agent has not done its share.
constexpr int kNoShare = 4;

struct LoadRun {
  int exit_status;
  std::string output;
  json report;  // Not an object if it printed none.
};

std::string Program() { return ProgramPath("client/load/load"); }

std::vector<std::string> Words(absl::string_view text) { return absl::StrSplit(text, ' ', absl::SkipEmpty()); }

// The processes that this one has started; those that have ended and were not waited for are among them.
std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/task/", pid, "/children"));
  std::vector<pid_t> children;
  for (pid_t child; file >> child;) children.push_back(child);
  return children;
}

class LoadAgentsTest : public testing::Test {
 protected:
  LoadAgentsTest()
      : server_(
            {.flags = {"--model=epoll", absl::StrCat("--root=", root_.path()),
                       "--listen=echo://127.0.0.1:0,http://127.0.0.1:0,compute://127.0.0.1:0,message://127.0.0.1:0"}}) {
    root_.Write("a", "hello");
    files_.Write("token", "a secret of many letters\n");
    files_.Write("other", "another secret, as long\n");
    for (int i = 0; i < 2; ++i) StartAgent();
  }

  void StartAgent() {
    absl::StatusOr<Child> agent =
        Child::Start({Program(), "--agent=127.0.0.1:0", absl::StrCat("--token_file=", files_.PathOf("token"))});
    ASSERT_TRUE(agent.ok()) << agent.status();
    ASSERT_TRUE(agent->AwaitOutput("\n", kPatience).ok());
    const std::string said = agent->output();
    ASSERT_TRUE(absl::StartsWith(said, "load: agent at 127.0.0.1:")) << said;
    addresses_.push_back(said.substr(15, said.find('\n') - 15));
    agents_.push_back(*std::move(agent));
  }

  // The command line of a coordinator that has all agents.
  std::vector<std::string> Command(absl::string_view workload, absl::string_view service, absl::string_view flags) {
    std::vector<std::string> command = {Program(),
                                        "--json",
                                        "--warm_up=0",
                                        absl::StrCat("--agents=", absl::StrJoin(addresses_, ",")),
                                        absl::StrCat("--token_file=", files_.PathOf("token")),
                                        absl::StrCat("--workload=", workload),
                                        absl::StrCat("--server=", server_.address(service))};
    for (const std::string& flag : Words(flags)) command.push_back(flag);
    return command;
  }

  LoadRun Run(absl::string_view workload, absl::string_view service, absl::string_view flags) {
    const ToolRun run = RunTool(Command(workload, service, flags), files_.path());
    return {run.exit_status, run.output, json::parse(run.output.substr(0, run.output.find('\n')), nullptr, false)};
  }

  // All agents are there, and have no other coordinator. On a busy machine so short a run may have no reply, which is
  // another fault.
  bool AreFree() { return Run("echo", "echo", "--duration=100ms").exit_status != kNoShare; }

  // A coordinator that runs beside the test; it writes its standard error to the file `told`. Returns once all agents
  // count.
  Child Begin(absl::string_view workload, absl::string_view service, absl::string_view flags) {
    std::vector<std::string> command = {"bash", "-c", absl::StrCat("exec \"$@\" 2>", files_.PathOf("told")), "bash"};
    for (const std::string& word : Command(workload, service, absl::StrCat(flags, " --tell_counting"))) {
      command.push_back(word);
    }
    absl::StatusOr<Child> coordinator = Child::Start(command);
    EXPECT_TRUE(coordinator.ok()) << coordinator.status();
    EXPECT_TRUE(Eventually([&] { return absl::StrContains(files_.Read("told"), "counting\n"); }))
        << files_.Read("told");
    return *std::move(coordinator);
  }

  Scratch root_, files_;
  ServerProcess server_;
  std::vector<Child> agents_;
  std::vector<std::string> addresses_;
};

TEST_F(LoadAgentsTest, ReportIsThatOfOneHostWithARowForEachAgent) {
  const LoadRun run = Run("echo", "echo", "--connections=9 --idle=3 --threads=2 --duration=1s");
  ASSERT_EQ(run.exit_status, 0) << run.output;
  EXPECT_EQ(run.report["connections"], 9);
  EXPECT_EQ(run.report["connected"], 12);
  EXPECT_EQ(run.report["threads"], 4);
  EXPECT_EQ(run.report["faults"], json::array());
  EXPECT_EQ(run.report["service_ns"]["count"], run.report["response_ns"]["count"]);
  const json& agents = run.report["agents"];
  ASSERT_EQ(agents.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(agents[i]["agent"], addresses_[i]);
    EXPECT_EQ(agents[i]["connections"], i == 0 ? 5 : 4);
  }
  EXPECT_GT(run.report["replies"], 0);
  EXPECT_EQ(run.report["replies"], agents[0]["replies"].get<int>() + agents[1]["replies"].get<int>());
  EXPECT_GE(run.report["agents_started_within_s"], 0);
}

TEST_F(LoadAgentsTest, TextHasTheRowsToo) {
  const LoadRun run = Run("http", "http", "--name=a --nojson --duration=1s");
  EXPECT_EQ(run.exit_status, 0) << run.output;
  for (const std::string& address : addresses_) EXPECT_TRUE(absl::StrContains(run.output, address)) << run.output;
}

// A ramp from 0 to 200 in a second, a burst, a pause: 150 requests, however many hosts they come from. The pause is
// long enough for an agent on a busy machine to catch up.
TEST_F(LoadAgentsTest, RequestsAreThoseOfOneHost) {
  files_.Write("profile", "1s 0:200\nburst 50\n3s 0\n");
  const LoadRun run = Run(
      "echo", "echo",
      absl::StrCat("--connections=8 --threads=2 --arrivals=fixed --interval=500ms --profile=", files_.PathOf("profile"),
                   " --rows=", files_.PathOf("rows.csv"), " --hgrm=", files_.PathOf("times.hgrm")));
  ASSERT_EQ(run.exit_status, 0) << run.output;
  EXPECT_EQ(run.report["due"], 150);
  EXPECT_EQ(run.report["response_ns"]["count"], 150);
  std::vector<int> due;
  for (const json& row : run.report["rows"]) due.push_back(row["due"]);
  EXPECT_EQ(due, (std::vector<int>{25, 75, 50, 0, 0, 0, 0, 0})) << run.report;
  EXPECT_TRUE(absl::StrContains(files_.Read("rows.csv"), "0.5,1,150,75,")) << files_.Read("rows.csv");
  EXPECT_TRUE(absl::StrContains(files_.Read("times.hgrm"), "Total count    =          150]"));
}

TEST_F(LoadAgentsTest, EachFileBelongsToOneConnection) {
  const LoadRun run = Run("upload", "http", "--connections=5 --size=100 --duration=1s");
  EXPECT_EQ(run.exit_status, 0) << run.output;
  EXPECT_EQ(root_.Names(), (std::vector<std::string>{"a", "upload-1", "upload-2", "upload-3", "upload-4", "upload-5"}));
}

TEST_F(LoadAgentsTest, ScheduleIsDividedByItsClients) {
  files_.Write("log.csv", "0,GET,/a,5,x\n0.1,GET,/a,5,y\n0.2,GET,/a,5,x\n0.3,GET,/a,5,z\n30,GET,/a,5,x\n");
  const LoadRun run = Run("replay", "http", absl::StrCat("--duration=2s --schedule=", files_.PathOf("log.csv")));
  ASSERT_EQ(run.exit_status, 0) << run.output;
  EXPECT_EQ(run.report["connections"], 3);
  EXPECT_EQ(run.report["due"], 4);
  EXPECT_EQ(run.report["response_ns"]["count"], 4) << "whenever their replies came";
  EXPECT_EQ(run.report["agents"][0]["due"], 3) << "those of x and y";
}

TEST_F(LoadAgentsTest, LoadBesideComesFromAllAgents) {
  const std::string beside = absl::StrCat("--primes=100 --duration=1s --beside_server=", server_.address("compute"));
  const LoadRun run = Run("mixed", "echo", absl::StrCat(beside, " --beside_connections=3"));
  ASSERT_EQ(run.exit_status, 0) << run.output;
  EXPECT_EQ(run.report["beside"][0]["workload"], "compute");
  EXPECT_EQ(run.report["beside"][0]["connections"], 3);
  EXPECT_EQ(run.report["beside"][0]["connected"], 3);
  EXPECT_GT(run.report["beside"][0]["replies"], 0);
  EXPECT_EQ(Run("mixed", "echo", beside).exit_status, 2) << "one connection for two agents";
}

TEST_F(LoadAgentsTest, FaultOfTheServerIsInTheReport) {
  const LoadRun run = Run("echo", "message", "--connections=2 --duration=200ms");
  EXPECT_EQ(run.exit_status, 1) << run.output;
  EXPECT_GT(run.report["errors"]["wrong"], 0);
}

TEST_F(LoadAgentsTest, FilesOfAnEarlierRunStayIfThereIsNoRun) {
  files_.Write("rows.csv", "of an earlier run");
  const std::string rows = absl::StrCat(" --rows=", files_.PathOf("rows.csv"));
  EXPECT_EQ(Run("echo", "echo", absl::StrCat("--agents=127.0.0.1:1", rows)).exit_status, kNoShare);
  EXPECT_EQ(Run("echo", "echo", absl::StrCat("--server=127.0.0.1:1", rows)).exit_status, kNoShare);
  EXPECT_EQ(Run("echo", "echo", absl::StrCat("--size=0", rows)).exit_status, 2);
  EXPECT_EQ(files_.Read("rows.csv"), "of an earlier run");
  EXPECT_EQ(Run("echo", "echo", "--rows=/no/such/directory/rows.csv").exit_status, 2);
  EXPECT_TRUE(AreFree());
}

TEST_F(LoadAgentsTest, TokenThatAllMayReadIsNoSecret) {
  ASSERT_EQ(::chmod(files_.PathOf("token").c_str(), 0644), 0);
  EXPECT_TRUE(absl::StrContains(Run("echo", "echo", "--duration=1s").output, "can be read by every user"));
  ASSERT_EQ(::chmod(files_.PathOf("token").c_str(), 0600), 0);
  EXPECT_FALSE(absl::StrContains(Run("echo", "echo", "--duration=1s").output, "can be read by"));
}

TEST_F(LoadAgentsTest, WrongTokenIsRefused) {
  for (const std::string& flag :
       {absl::StrCat("--token_file=", files_.PathOf("other")), std::string("--token_file=")}) {
    const LoadRun run = Run("echo", "echo", flag);
    EXPECT_EQ(run.exit_status, kNoShare) << run.output;
    EXPECT_TRUE(absl::StrContains(run.output, absl::StrCat("agent ", addresses_[0], ": the token is not")))
        << run.output;
  }
  EXPECT_TRUE(AreFree()) << "nor is the agent spoilt by it";
}

TEST_F(LoadAgentsTest, StrangersAreSentAway) {
  for (const std::string& said : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("{\"type\":\"proof\"}\n"),
                                  std::string("{\"type\":\"order\"}\n"), std::string(10'000, '{')}) {
    Peer stranger(addresses_[0]);
    stranger.Send(said);
    const std::string heard = stranger.ReadToEnd();
    EXPECT_TRUE(absl::StartsWith(heard, "{\"challenge\":")) << heard;
    EXPECT_FALSE(absl::StrContains(heard, "hello")) << heard;
  }
  EXPECT_TRUE(AreFree());
}

TEST_F(LoadAgentsTest, AgentThatIsKilledLeavesNoReport) {
  Child coordinator = Begin("echo", "echo", "--duration=1h");
  ::kill(agents_[1].pid(), SIGKILL);
  EXPECT_EQ(coordinator.Finish(kPatience), kNoShare);
  EXPECT_EQ(coordinator.output(), "");
  EXPECT_TRUE(absl::StrContains(files_.Read("told"), absl::StrCat("agent ", addresses_[1], ": is gone")))
      << files_.Read("told");
  // The other one is free again.
  agents_.pop_back();
  addresses_.pop_back();
  EXPECT_TRUE(AreFree());
}

// It is stopped while it should send, and goes on when that time is over.
TEST_F(LoadAgentsTest, AgentThatFallsBehindLeavesNoReport) {
  Child coordinator = Begin("echo", "echo", "--connections=4 --rate=100 --duration=4s");
  const std::vector<pid_t> runs = ChildrenOf(agents_[1].pid());
  ASSERT_EQ(runs.size(), 1u);
  ::kill(runs[0], SIGSTOP);
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(files_.Read("told"), "counted\n"); }));
  ::kill(runs[0], SIGCONT);
  EXPECT_EQ(coordinator.Finish(kPatience), kNoShare);
  EXPECT_EQ(coordinator.output(), "");
  const std::string told = files_.Read("told");
  EXPECT_TRUE(absl::StrContains(told, absl::StrCat("agent ", addresses_[1], " has fallen behind"))) << told;
}

TEST_F(LoadAgentsTest, CoordinatorThatGoesAwayEndsTheRun) {
  const size_t before = server_.CountDescriptors();
  {
    Child coordinator = Begin("echo", "echo", "--duration=1h");
    EXPECT_GT(server_.CountDescriptors(), before);
    ::kill(coordinator.pid(), SIGKILL);
  }
  EXPECT_TRUE(Eventually([&] { return server_.CountDescriptors() == before; }));
  EXPECT_TRUE(AreFree());
}

TEST_F(LoadAgentsTest, AgentHasOneCoordinatorAtATime) {
  Child coordinator = Begin("echo", "echo", "--duration=1h");
  const LoadRun second = Run("echo", "echo", "--duration=100ms");
  EXPECT_EQ(second.exit_status, kNoShare);
  EXPECT_TRUE(absl::StrContains(second.output, "another coordinator has this agent")) << second.output;
  ::kill(coordinator.pid(), SIGINT);
  EXPECT_EQ(coordinator.Finish(kPatience), 130) << "the first one is not disturbed";
}

TEST_F(LoadAgentsTest, InterruptPrintsWhatWasMeasuredSoFar) {
  Child coordinator = Begin("echo", "echo", "--duration=1h");
  ::kill(coordinator.pid(), SIGINT);
  EXPECT_EQ(coordinator.Finish(kPatience), 130);
  const json report = json::parse(coordinator.output(), nullptr, false);
  EXPECT_EQ(report["interrupted"], true);
  EXPECT_EQ(report["agents"].size(), 2u);
}

TEST_F(LoadAgentsTest, SshStartsAgents) {
  // Hears what the real one would, and runs the program here.
  files_.Write("ssh",
               "#!/bin/sh\necho \"$*\" >>calls\nwhile [ \"$1\" != -- ]; do shift; done\n"
               "[ \"$2\" = nowhere ] && exit 255\nshift 2\nexec \"$@\"\n");
  ASSERT_EQ(RunTool({"chmod", "+x", files_.PathOf("ssh")}, files_.path()).exit_status, 0);
  const auto run = [this](const std::string& agents) {
    std::vector<std::string> command = {"env", absl::StrCat("PATH=", files_.path(), ":/usr/bin:/bin")};
    for (std::string& word : Command("echo", "echo", "--connections=4 --duration=1s")) command.push_back(word);
    command.push_back(absl::StrCat("--agents=", agents));
    command.push_back(absl::StrCat("--agent_program=", Program()));
    return RunTool(command, files_.path());
  };
  const ToolRun good = run("ssh:host1,ssh:ada@host2");
  EXPECT_EQ(good.exit_status, 0) << good.output;
  const json report = json::parse(good.output.substr(0, good.output.find('\n')), nullptr, false);
  EXPECT_EQ(report["agents"][1]["agent"], "ssh:ada@host2");
  EXPECT_EQ(files_.Read("calls"),
            absl::StrCat("-T -o BatchMode=yes -o ServerAliveInterval=10 -- host1 ", Program(), " --agent=stdio\n",
                         "-T -o BatchMode=yes -o ServerAliveInterval=10 -- ada@host2 ", Program(), " --agent=stdio\n"));
  EXPECT_EQ(run(absl::StrCat(addresses_[0], ",ssh:host1")).exit_status, 0) << "both kinds together";
  EXPECT_EQ(run("ssh:host1,ssh:nowhere").exit_status, kNoShare);
}

TEST_F(LoadAgentsTest, ErrorsHaveTheirStatus) {
  EXPECT_EQ(Run("echo", "echo", "--size=0").exit_status, 2) << "it is the agents that find it";
  EXPECT_EQ(Run("chat", "echo", "").exit_status, 2) << "one speaks";
  EXPECT_EQ(Run("disk", "http", "").exit_status, 2);
  EXPECT_EQ(Run("echo", "echo", "--connections=1").exit_status, 2) << "one for each";
  EXPECT_EQ(Run("web", "http", absl::StrCat("--files=", files_.path())).exit_status, 2);
  EXPECT_EQ(Run("echo", "echo", "--slices").exit_status, 2);
  EXPECT_EQ(Run("echo", "echo", "--agents=nowhere").exit_status, 2);
  EXPECT_EQ(Run("echo", "echo", "--agents=127.0.0.1:1").exit_status, kNoShare);
  EXPECT_EQ(Run("echo", "echo", "--server=127.0.0.1:1").exit_status, kNoShare) << "no agent has its connections";
  EXPECT_EQ(Run("echo", "echo", "--token_file=/no/such/file").exit_status, 2);
}

TEST(LoadAgentUsageTest, AgentThatOthersReachNeedsAToken) {
  for (const char* address : {"0.0.0.0:0", "[::]:0"}) {
    const ToolRun run = RunTool({Program(), absl::StrCat("--agent=", address)}, testing::TempDir());
    EXPECT_EQ(run.exit_status, 2) << run.output;
  }
  EXPECT_EQ(RunTool({Program(), "--agent=127.0.0.1:0", "--rate=5"}, testing::TempDir()).exit_status, 2);
  EXPECT_EQ(RunTool({Program(), "--agent=stdio"}, testing::TempDir()).exit_status, 1) << "nobody orders anything";
}

}  // namespace

}  // namespace polyserve
