// The report: nothing that spoils a run stays unsaid, for a person as for a program.
#include "client/load/report.h"

#include <nlohmann/json.hpp>
#include <string>

#include "client/load/plan.h"
#include "client/load/tally.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

using nlohmann::json;
using testing::PrintToString;

LoadPlan Plan() {
  LoadPlan plan;
  plan.workload = "echo";
  return plan;
}

LoadTally GoodTally() {
  LoadTally tally;
  tally.seconds = 2.5;
  tally.replies = 250;
  tally.per_interval = {100, 99, 51};
  tally.per_connection = {250};
  return tally;
}

bool Says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(ReportTest, GoodRunHasNoFaultAndNoAttention) {
  EXPECT_TRUE(FaultsOf(Plan(), GoodTally()).empty());
  const std::string text = ReportAsText(Plan(), GoodTally());
  EXPECT_FALSE(Says(text, "FAULT")) << text;
  EXPECT_FALSE(Says(text, "ATTENTION")) << text;
}

TEST(ReportTest, ShowsEachSecondAndTheLastAsAWholeOne) {
  EXPECT_TRUE(Says(ReportAsText(Plan(), GoodTally()), "each second     100 99 102\n"));
  EXPECT_EQ(json::parse(ReportAsJson(Plan(), GoodTally()))["per_second"], json({100, 99, 51}));
  LoadTally tally = GoodTally();
  tally.seconds = 100;
  tally.per_interval.assign(100, 7);
  tally.per_interval[50] = 3;
  EXPECT_TRUE(Says(ReportAsText(Plan(), tally), "between 3 and 7 replies"));
}

TEST(ReportTest, FairnessIsShownIfConnectionsWereToGetTheSame) {
  LoadTally tally = GoodTally();
  EXPECT_TRUE(Says(ReportAsText(Plan(), tally), "fairness        1.000"));
  tally.per_connection.clear();
  EXPECT_FALSE(Says(ReportAsText(Plan(), tally), "fairness"));
}

TEST(ReportTest, HistogramsAreInItForWhoAddsRunsUp) {
  LoadTally tally = GoodTally();
  for (const uint64_t time : {100, 100, 5000}) tally.response.Add(time);
  tally.service.Add(90);
  LoadPlan plan = Plan();
  json report = json::parse(ReportAsJson(plan, tally));
  EXPECT_EQ(report["response_ns"]["histogram"], json({100, 2, 5000, 1}));
  EXPECT_FALSE(report["service_ns"].contains("histogram"));
  plan.rate = 100;
  report = json::parse(ReportAsJson(plan, tally));
  EXPECT_EQ(report["service_ns"]["histogram"], json({90, 1}));
}

TEST(ReportTest, LatenessOfTheGeneratorIsShown) {
  LoadTally tally = GoodTally();
  EXPECT_FALSE(Says(ReportAsText(Plan(), tally), "lateness"));
  tally.lateness.Add(7'000'000);
  LoadPlan plan = Plan();
  plan.rate = 100;
  EXPECT_TRUE(Says(ReportAsText(plan, tally), "lateness        p50 7.000"));
  EXPECT_EQ(json::parse(ReportAsJson(plan, tally))["lateness_ns"]["count"], 1);
}

TEST(ReportTest, EveryKindOfErrorIsAFaultAndShown) {
  for (uint64_t LoadTally::*kind :
       {&LoadTally::wrong, &LoadTally::broken, &LoadTally::not_connected, &LoadTally::unanswered}) {
    LoadTally tally = GoodTally();
    tally.*kind = 3;
    tally.causes["Connection reset by peer"] = 3;
    EXPECT_EQ(FaultsOf(Plan(), tally).size(), 1u);
    const std::string text = ReportAsText(Plan(), tally);
    EXPECT_TRUE(Says(text, "FAULT: 3 ")) << text;
    EXPECT_TRUE(Says(text, "Connection reset by peer: 3")) << text;
    EXPECT_EQ(json::parse(ReportAsJson(Plan(), tally))["error_causes"]["Connection reset by peer"], 3);
  }
}

TEST(ReportTest, RateThatWasNotReachedIsAFault) {
  LoadPlan plan = Plan();
  plan.rate = 100;
  LoadTally tally = GoodTally();
  tally.due = 300;
  tally.overdue = 8;  // 1 %, and the five that are due in a twentieth of a second.
  EXPECT_TRUE(FaultsOf(plan, tally).empty());
  tally.overdue = 9;
  EXPECT_EQ(FaultsOf(plan, tally).size(), 1u) << PrintToString(FaultsOf(plan, tally));
}

// 20 of 20 came, each some time after it was due: that is no backlog, and the response times show it.
TEST(ReportTest, SlowRepliesAreNotAMissedRate) {
  LoadPlan plan = Plan();
  plan.rate = 20;
  LoadTally tally = GoodTally();
  tally.seconds = 1;
  tally.due = 20;
  tally.replies = 4;
  EXPECT_TRUE(FaultsOf(plan, tally).empty());
}

TEST(ReportTest, ReconnectionsAreShownAndNoFault) {
  LoadTally tally = GoodTally();
  EXPECT_FALSE(Says(ReportAsText(Plan(), tally), "reconnections"));
  tally.reconnections = 7;
  tally.asked_again = 3;
  EXPECT_TRUE(FaultsOf(Plan(), tally).empty());
  EXPECT_TRUE(Says(ReportAsText(Plan(), tally), "reconnections   7"));
  EXPECT_EQ(json::parse(ReportAsJson(Plan(), tally))["reconnections"], 7);
  EXPECT_EQ(json::parse(ReportAsJson(Plan(), tally))["asked_again"], 3);
}

TEST(ReportTest, InterruptedRunIsMarked) {
  LoadTally tally = GoodTally();
  EXPECT_EQ(json::parse(ReportAsJson(Plan(), tally))["interrupted"], false);
  tally.interrupted = true;
  EXPECT_TRUE(Says(ReportAsText(Plan(), tally), "INTERRUPTED: this is of 2.5 s"));
  EXPECT_EQ(json::parse(ReportAsJson(Plan(), tally))["interrupted"], true);
  LoadTally nothing;  // In the warm-up.
  nothing.interrupted = true;
  EXPECT_TRUE(FaultsOf(Plan(), nothing).empty());
  EXPECT_TRUE(Says(ReportAsText(Plan(), nothing), "0 per second"));
}

TEST(ReportTest, SaysWhereItWasTheLimitItself) {
  LoadTally tally = GoodTally();
  tally.busiest_thread = 0.89;
  EXPECT_FALSE(IsGeneratorTheLimit(tally));
  tally.waited_for_processor = 0.05;  // It was ready to run nearly all of the time.
  EXPECT_TRUE(IsGeneratorTheLimit(tally));
  EXPECT_TRUE(Says(ReportAsText(Plan(), tally), "ATTENTION: the load generator was the limit"));
  EXPECT_EQ(json::parse(ReportAsJson(Plan(), tally))["generator_was_the_limit"], true);
}

TEST(ReportTest, SaysWhereOthersTookItsProcessor) {
  LoadTally tally = GoodTally();
  tally.waited_for_processor = 0.2;
  EXPECT_FALSE(IsGeneratorTheLimit(tally));
  EXPECT_TRUE(Says(ReportAsText(Plan(), tally), "ATTENTION: the load generator had to wait"));
}

TEST(ReportTest, FaultsOfWhatRunsBesideCountToo) {
  LoadPlan plan = Plan();
  plan.beside.push_back(Plan());
  plan.beside[0].workload = "compute";
  LoadTally tally = GoodTally();
  tally.beside.push_back(GoodTally());
  EXPECT_TRUE(FaultsOf(plan, tally).empty());
  tally.beside[0].wrong = 2;
  tally.faults.emplace_back("the upload is gone");
  EXPECT_EQ(FaultsOf(plan, tally),
            (std::vector<std::string>{"the upload is gone", "compute beside: 2 replies were wrong"}));
  const json report = json::parse(ReportAsJson(plan, tally));
  EXPECT_EQ(report["beside"][0]["errors"]["wrong"], 2);
  EXPECT_EQ(report["beside"][0]["workload"], "compute");
}

TEST(ReportTest, FairnessIsJainsIndex) {
  EXPECT_DOUBLE_EQ(FairnessIndex({5, 5, 5}), 1);
  EXPECT_DOUBLE_EQ(FairnessIndex({9, 0, 0}), 1.0 / 3);
  EXPECT_DOUBLE_EQ(FairnessIndex({0, 0}), 1);
}

}  // namespace
}  // namespace polyserve
