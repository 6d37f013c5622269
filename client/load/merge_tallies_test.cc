// The sum of what agents have measured: as exact as that of a single host's threads, and none if one of them has not
// done its share.
#include "client/load/merge_tallies.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/load/plan.h"
#include "client/load/rate_profile.h"
#include "client/load/report.h"
#include "client/load/tally.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

using nlohmann::json;

LoadPlan Plan() {
  LoadPlan plan;
  plan.workload = "echo";
  plan.connections = 5;
  plan.agents = 2;
  plan.rate = 1000;
  return plan;
}

// With times of their own.
LoadTally TallyOf(int agent) {
  LoadTally tally;
  tally.agent = absl::StrCat("host", agent, ":1");
  tally.seconds = 10;
  tally.connected = agent == 0 ? 3 : 2;
  tally.due = tally.replies = agent == 0 ? 6000 : 4000;
  for (uint64_t i = 0; i < tally.replies; ++i) {
    tally.response.Add(i * i % (agent == 0 ? 70'001 : 900'007));
    tally.lateness.Add(i % 50);
  }
  tally.service.Add(tally.response);
  tally.per_interval.assign(10, tally.replies / 10);
  tally.per_connection.assign(static_cast<size_t>(tally.connected), 2000);
  tally.busiest_thread = agent == 0 ? 0.2 : 0.1;
  tally.waited_for_processor = agent == 0 ? 0.01 : 0.05;
  return tally;
}

std::vector<LoadTally> Tallies() { return {TallyOf(0), TallyOf(1)}; }

std::string Refusal(const LoadPlan& plan, std::vector<LoadTally> tallies) {
  const absl::StatusOr<LoadTally> sum = MergeTallies(plan, std::move(tallies), false);
  EXPECT_TRUE(absl::IsFailedPrecondition(sum.status())) << sum.status();
  return std::string(sum.status().message());
}

TEST(MergeTalliesTest, SumIsThatOfThreadsOnASingleHost) {
  const absl::StatusOr<LoadTally> sum = MergeTallies(Plan(), Tallies(), false);
  ASSERT_TRUE(sum.ok()) << sum.status();
  LoadTally one = TallyOf(0);
  one.Add(TallyOf(1));
  LoadPlan plan = Plan();
  json merged = json::parse(ReportAsJson(plan, *sum));
  EXPECT_EQ(merged["agents"].size(), 2u);
  merged.erase("agents");
  merged.erase("agents_started_within_s");
  plan.agents = 1;
  plan.threads = 2;
  EXPECT_EQ(merged, json::parse(ReportAsJson(plan, one)));
}

TEST(MergeTalliesTest, ReportHasARowForEachAgent) {
  const absl::StatusOr<LoadTally> sum = MergeTallies(Plan(), Tallies(), false);
  ASSERT_TRUE(sum.ok()) << sum.status();
  const json rows = json::parse(ReportAsJson(Plan(), *sum))["agents"];
  EXPECT_EQ(rows[0]["agent"], "host0:1");
  EXPECT_EQ(rows[0]["connections"], 3);
  EXPECT_EQ(rows[1]["connections"], 2);
  EXPECT_EQ(rows[1]["replies"], 4000);
  EXPECT_EQ(rows[1]["rate"], 400);
  EXPECT_EQ(rows[1]["replies_per_second"], 400);
  EXPECT_EQ(rows[1]["lateness_ns"]["max"], 49);
  EXPECT_EQ(rows[1]["busiest_thread"], 0.1);
  const std::string text = ReportAsText(Plan(), *sum);
  EXPECT_TRUE(absl::StrContains(text, "host1:1           2       4000        400      400")) << text;
  EXPECT_FALSE(absl::StrContains(ReportAsText(Plan(), TallyOf(0)), "agents"));
}

TEST(MergeTalliesTest, AgentThatFellBehindMakesNoReport) {
  std::vector<LoadTally> tallies = Tallies();
  tallies[1].overdue = 100;  // More than a hundredth, and a twentieth of a second: of its own rate, not of that of all.
  EXPECT_TRUE(absl::StartsWith(Refusal(Plan(), tallies), "agent host1:1 has fallen behind: the rate was not reached"));
  EXPECT_FALSE(absl::StrContains(Refusal(Plan(), tallies), "the server"));
  tallies[0].overdue = 200;
  EXPECT_TRUE(absl::EndsWith(Refusal(Plan(), tallies), "perhaps it is the server that is too slow"));
  tallies[0].overdue = 0;
  LoadPlan closed_loop = Plan();
  closed_loop.rate.reset();
  EXPECT_TRUE(MergeTallies(closed_loop, tallies, false).ok());
}

TEST(MergeTalliesTest, AgentThatEndedEarlyMakesNoReport) {
  std::vector<LoadTally> tallies = Tallies();
  tallies[0].interrupted = true;
  EXPECT_EQ(Refusal(Plan(), tallies), "agent host0:1 has ended early");
}

TEST(MergeTalliesTest, AgentWithoutItsConnectionsMakesNoReport) {
  std::vector<LoadTally> tallies = Tallies();
  tallies[0].connected = 2;
  tallies[1].interrupted = true;
  EXPECT_EQ(Refusal(Plan(), tallies),
            "agent host0:1 had 2 of its 3 connections; agent host1:1 has ended early; this is about all agents, so "
            "perhaps it is the server that is too slow");
}

TEST(MergeTalliesTest, UserWhoInterruptsSeesWhatThereIs) {
  std::vector<LoadTally> tallies = Tallies();
  tallies[1].interrupted = true;
  tallies[1].overdue = 1000;
  const absl::StatusOr<LoadTally> sum = MergeTallies(Plan(), tallies, true);
  ASSERT_TRUE(sum.ok()) << sum.status();
  EXPECT_TRUE(sum->interrupted);
}

TEST(MergeTalliesTest, InterruptionBehindTheEndIsNoExcuse) {
  std::vector<LoadTally> tallies = Tallies();
  EXPECT_TRUE(MergeTallies(Plan(), tallies, true).ok());
  tallies[1].overdue = 1000;
  EXPECT_TRUE(absl::IsFailedPrecondition(MergeTallies(Plan(), tallies, true).status()));
}

// What is too much for the server is so for all; what is too much for one agent shows there alone.
TEST(MergeTalliesTest, AgentThatAloneFellBehindAProfileMakesNoReport) {
  LoadPlan plan = Plan();
  plan.profile = std::make_shared<const RateProfile>(RateProfile::Ramp(0, 2000, absl::Seconds(10)));
  std::vector<LoadTally> tallies = Tallies();
  tallies[0].overdue = 600;
  tallies[1].overdue = 500;
  EXPECT_TRUE(MergeTallies(plan, tallies, false).ok());
  tallies[0].overdue = 0;
  EXPECT_TRUE(absl::StartsWith(Refusal(plan, tallies), "agent host1:1 has fallen behind: the rate was not reached"));
  tallies[1].overdue = 20;  // A random burst that was just due.
  EXPECT_TRUE(MergeTallies(plan, tallies, false).ok());
}

TEST(MergeTalliesTest, FaultsNameTheirAgent) {
  std::vector<LoadTally> tallies = Tallies();
  tallies[1].faults = {"the upload /a is gone"};
  EXPECT_EQ(MergeTallies(Plan(), tallies, false).value().faults,
            std::vector<std::string>{"host1:1: the upload /a is gone"});
}

TEST(MergeTalliesTest, OneAgentThatWasTheLimitIsEnough) {
  std::vector<LoadTally> tallies = Tallies();
  // Neither alone has both.
  tallies[0].busiest_thread = 0.5;
  tallies[1].waited_for_processor = 0.5;
  EXPECT_FALSE(IsGeneratorTheLimit(MergeTallies(Plan(), tallies, false).value()));
  tallies[1].busiest_thread = 0.5;
  EXPECT_TRUE(IsGeneratorTheLimit(MergeTallies(Plan(), tallies, false).value()));
}

TEST(MergeTalliesTest, LoadBesideIsAddedUpToo) {
  LoadPlan plan = Plan();
  plan.beside.resize(1);
  plan.beside[0].agents = 2;
  plan.beside[0].connections = 2;
  std::vector<LoadTally> tallies = Tallies();
  for (LoadTally& tally : tallies) tally.beside.assign(1, TallyOf(1));
  const absl::StatusOr<LoadTally> sum = MergeTallies(plan, tallies, false);
  ASSERT_TRUE(sum.ok()) << sum.status();
  ASSERT_EQ(sum->beside.size(), 1u);
  EXPECT_EQ(sum->beside[0].replies, 8000u);
}

}  // namespace
}  // namespace polyserve
