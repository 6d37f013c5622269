// A coordinator whose agents lie, or are gone: there is an error that names the agent, and never a report.
#include "client/load/coordinator.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/load/agent_channel.h"
#include "client/load/agent_messages.h"
#include "client/load/fake_agent.h"
#include "client/load/plan.h"
#include "client/load/tally.h"
#include "client/load/tally_json.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

using nlohmann::json;

LoadPlan Plan(int agents = 1) {
  LoadPlan plan;
  plan.workload = "echo";
  plan.connections = 4;
  plan.agents = agents;
  plan.duration = absl::Seconds(2);
  return plan;
}

json Tally() {
  LoadTally tally;
  tally.seconds = 2;
  tally.connected = 4;
  tally.replies = 7;
  return {{"type", "tally"}, {"tally", TallyAsJson(tally)}};
}

std::string Nested() {
  constexpr size_t kLevels = 1'000'000;
  return absl::StrCat(std::string(kLevels, '['), std::string(kLevels, ']'));
}

absl::Status Nothing() { return absl::OkStatus(); }

absl::StatusOr<LoadTally> RunAll(const std::vector<const FakeAgent*>& agents, LoadPlan plan) {
  std::vector<std::string> names;
  for (const FakeAgent* agent : agents) names.push_back(agent->address());
  return RunOnAgents(names, {}, {}, plan, &Nothing);
}

// What becomes of a run with one such agent.
absl::StatusOr<LoadTally> RunWith(const FakeAgent::Script& script) {
  const FakeAgent agent(script);
  const absl::StatusOr<LoadTally> tally = RunAll({&agent}, Plan());
  if (!tally.ok()) {
    EXPECT_TRUE(absl::StartsWith(tally.status().message(), absl::StrCat("agent ", agent.address(), ": ")))
        << tally.status();
  }
  return tally;
}

void BeReady(AgentChannel& channel) {
  channel.Receive(FakeAgent::Patience()).IgnoreError();  // The order.
  channel.Send(ReadyMessage(Plan()), FakeAgent::Patience()).IgnoreError();
}

void Begin(AgentChannel& channel) {
  BeReady(channel);
  channel.Receive(FakeAgent::Patience()).IgnoreError();  // To start.
  channel.Send(PlainMessage("started"), FakeAgent::Patience()).IgnoreError();
}

TEST(CoordinatorTest, AgentThatDoesItsShareHasATally) {
  const absl::StatusOr<LoadTally> tally = RunWith([](AgentChannel& channel) {
    Begin(channel);
    channel.Send(PlainMessage("counting"), FakeAgent::Patience()).IgnoreError();
    channel.Send(PlainMessage("counted"), FakeAgent::Patience()).IgnoreError();
    channel.Send(Tally(), FakeAgent::Patience()).IgnoreError();
    FakeAgent::AwaitEnd(channel);
  });
  ASSERT_TRUE(tally.ok()) << tally.status();
  EXPECT_EQ(tally->replies, 7u);
  EXPECT_EQ(tally->agents.size(), 1u);
}

TEST(CoordinatorTest, AgentThatIsGoneLeavesNoTally) {
  for (const FakeAgent::Script& script : {FakeAgent::Script([](AgentChannel&) {}), FakeAgent::Script(&BeReady),
                                          FakeAgent::Script(&Begin), FakeAgent::Script([](AgentChannel& channel) {
                                            Begin(channel);
                                            const std::string line = AsLine(Tally());
                                            FakeAgent::Say(line.substr(0, line.size() / 2), channel);
                                          })}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(RunWith(script).status()));
  }
}

TEST(CoordinatorTest, AgentThatSaysAnythingElseLeavesNoTally) {
  json lie = Tally();
  lie["tally"]["replies"] = -1;
  for (const std::string& said :
       {std::string("Last login: Monday\n"), std::string("{\"type\":\"tally\"}\n"), AsLine(PlainMessage("ready")),
        AsLine(ErrorMessage(absl::UnavailableError("no server"))), AsLine(lie),
        absl::StrCat("{\"type\":\"tally\",\"tally\":", Nested(), "}\n")}) {
    const absl::StatusOr<LoadTally> tally = RunWith([&said](AgentChannel& channel) {
      Begin(channel);
      FakeAgent::Say(said, channel);
      FakeAgent::AwaitEnd(channel);
    });
    EXPECT_TRUE(absl::IsFailedPrecondition(tally.status())) << said.substr(0, 80);
    EXPECT_LT(tally.status().message().size(), 3000u);
  }
}

// The plan of one agent is compared with the next one's, and both are shown if they differ.
TEST(CoordinatorTest, PlanIsNoDeeperThanItMayBeShown) {
  const FakeAgent good([](AgentChannel& channel) {
    BeReady(channel);
    FakeAgent::AwaitEnd(channel);
  });
  const FakeAgent bad([](AgentChannel& channel) {
    channel.Receive(FakeAgent::Patience()).IgnoreError();
    const std::string line = AsLine(ReadyMessage(Plan()));
    FakeAgent::Say(absl::StrCat("{\"x\":", Nested(), ",", line.substr(1)), channel);
    FakeAgent::AwaitEnd(channel);
  });
  const absl::Status status = RunAll({&good, &bad}, Plan(2)).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status.message().substr(0, 200);
}

TEST(CoordinatorTest, AgentsWithPlansThatDifferAreNotStarted) {
  bool is_started = false;
  {
    const FakeAgent first([&is_started](AgentChannel& channel) {
      BeReady(channel);
      is_started = channel.Receive(FakeAgent::Patience()).ok();
    });
    const FakeAgent second([](AgentChannel& channel) {
      channel.Receive(FakeAgent::Patience()).IgnoreError();
      LoadPlan plan = Plan();
      plan.rate = 5;
      channel.Send(ReadyMessage(plan), FakeAgent::Patience()).IgnoreError();
      FakeAgent::AwaitEnd(channel);
    });
    const absl::Status status = RunAll({&first, &second}, Plan(2)).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("has another plan than agent ", first.address())))
        << status;
  }
  EXPECT_FALSE(is_started);
}

TEST(CoordinatorTest, ErrorOfOnReadyEndsTheRunBeforeItsStart) {
  bool is_started = false;
  {
    const FakeAgent agent([&is_started](AgentChannel& channel) {
      BeReady(channel);
      is_started = channel.Receive(FakeAgent::Patience()).ok();
    });
    LoadPlan plan = Plan();
    const absl::Status full = absl::InvalidArgumentError("the disk is full");
    EXPECT_EQ(RunOnAgents({agent.address()}, {}, {}, plan, [&full] { return full; }).status(), full);
  }
  EXPECT_FALSE(is_started);
}

}  // namespace
}  // namespace polyserve
