// Rows: their arithmetic, their three forms, and that the rows of a real run add up to it.
#include "client/load/rows.h"

#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/load/exchange.h"
#include "client/load/fake_server.h"
#include "client/load/generator.h"
#include "client/load/plan.h"
#include "client/load/rate_profile.h"
#include "client/load/report.h"
#include "client/load/tally.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"

namespace polyserve {
namespace {

using nlohmann::json;

// Two and a half intervals of 2 s: 100 to 350 requests per second.
LoadPlan Plan() {
  LoadPlan plan;
  plan.workload = "echo";
  plan.interval = absl::Seconds(2);
  plan.duration = absl::Seconds(5);
  plan.rate = 225;
  plan.profile = std::make_shared<const RateProfile>(RateProfile::Ramp(100, 350, absl::Seconds(5)));
  plan.keeps_rows = true;
  return plan;
}

LoadTally Tally() {
  LoadTally tally;
  tally.seconds = 5;
  tally.per_interval = {3, 1, 0};
  tally.replies = 4;
  tally.response_per_interval.resize(3);
  for (const uint64_t time : {1'000'000, 1'000'000, 3'000'000, 3'000'000}) tally.response_per_interval[0].Add(time);
  tally.response_per_interval[1].Add(7'000'000);
  for (const Histogram& times : tally.response_per_interval) tally.response.Add(times);
  return tally;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::istringstream input(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(input, line);) lines.push_back(line);
  return lines;
}

TEST(RowsTest, RateIsThatOfTheInterval) {
  const LoadTally tally = Tally();
  const std::vector<LoadRow> rows = RowsOf(Plan(), tally);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_DOUBLE_EQ(*rows[0].rate, 150);
  EXPECT_DOUBLE_EQ(*rows[1].rate, 250);
  EXPECT_DOUBLE_EQ(*rows[2].rate, 325);  // Of one second, since the run ends there.
  EXPECT_EQ(rows[2].end_s, 5);
}

TEST(RowsTest, BurstIsInTheRateOfItsInterval) {
  std::istringstream file("2s 100\nburst 400\n3s 100\n");
  LoadPlan plan = Plan();
  plan.profile = std::make_shared<const RateProfile>(*RateProfile::Parse(file));
  const LoadTally tally = Tally();
  const std::vector<LoadRow> rows = RowsOf(plan, tally);
  EXPECT_DOUBLE_EQ(*rows[0].rate, 100);
  EXPECT_DOUBLE_EQ(*rows[1].rate, 300);
  EXPECT_DOUBLE_EQ(*rows[2].rate, 100);
}

TEST(RowsTest, TableHasNamesAndALineForEachInterval) {
  const LoadTally tally = Tally();
  const std::string p50 = absl::StrCat(tally.response_per_interval[0].Quantile(0.5));
  EXPECT_EQ(LinesOf(RowsAsCsv(RowsOf(Plan(), tally))),
            (std::vector<std::string>{
                "begin_s,end_s,rate,due,replies,mean_ns,p50_ns,p90_ns,p99_ns,p99.9_ns,max_ns",
                absl::StrCat("0,2,150,4,3,2000000.0,", p50, ",3000000,3000000,3000000,3000000"),
                "2,4,250,1,1,7000000.0,7000000,7000000,7000000,7000000,7000000",
                "4,5,325,0,0,0.0,0,0,0,0,0",
            }));
}

TEST(RowsTest, ClosedLoopHasNoRate) {
  LoadPlan plan = Plan();
  plan.rate.reset();
  plan.profile = nullptr;
  const LoadTally tally = Tally();
  EXPECT_EQ(LinesOf(RowsAsCsv(RowsOf(plan, tally)))[3], "4,5,,0,0,0.0,0,0,0,0,0");
  EXPECT_EQ(RowsAsJson(RowsOf(plan, tally))[0]["rate"], nullptr);
}

TEST(RowsTest, NdjsonHasTheNamesAndValuesOfTheTable) {
  const LoadTally tally = Tally();
  const std::vector<LoadRow> rows = RowsOf(Plan(), tally);
  const std::vector<std::string> lines = LinesOf(RowsAsNdjson(rows));
  ASSERT_EQ(lines.size(), 3u);
  const std::vector<std::string> table = LinesOf(RowsAsCsv(rows));
  for (size_t i = 0; i < 3; ++i) {
    const json row = json::parse(lines[i]);
    std::istringstream names(table[0]), values(table[i + 1]);
    size_t columns = 0;
    for (std::string name, value; std::getline(names, name, ',') && std::getline(values, value, ',');) {
      EXPECT_DOUBLE_EQ(row.at(name).get<double>(), std::stod(value)) << name;
      ++columns;
    }
    EXPECT_EQ(row.size(), columns);
  }
}

TEST(RowsTest, ReportHasThem) {
  const LoadPlan plan = Plan();
  const LoadTally tally = Tally();
  EXPECT_EQ(json::parse(ReportAsJson(plan, tally))["rows"], RowsAsJson(RowsOf(plan, tally)));
  EXPECT_NE(ReportAsText(plan, tally).find(RowsAsText(RowsOf(plan, tally))), std::string::npos);
  EXPECT_EQ(json::parse(ReportAsJson(plan, tally))["rates"], json({{"first", 100}, {"last", 350}, {"peak", 350}}));
  EXPECT_NE(ReportAsText(plan, tally).find("100 to 350 requests per second due"), std::string::npos);
}

// A profile may go beyond what the server can do: that is what it is for.
TEST(RowsTest, WhatWaitsAtTheEndOfAProfileIsNoFault) {
  LoadPlan plan = Plan();
  LoadTally tally = Tally();
  tally.due = 1000;
  tally.overdue = 500;
  EXPECT_TRUE(FaultsOf(plan, tally).empty());
  plan.profile = nullptr;
  EXPECT_EQ(FaultsOf(plan, tally).size(), 1u);
}

// Sends back what it gets.
void Echo(int fd) {
  char buffer[4096];
  for (ssize_t count; (count = ::recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
    Say(fd, absl::string_view(buffer, static_cast<size_t>(count)));
  }
}

LoadPlan EchoPlan(const Endpoint& server) {
  LoadPlan plan;
  plan.workload = "echo";
  plan.to = server;
  plan.connections = 4;
  plan.threads = 2;
  plan.duration = absl::Milliseconds(250);
  plan.interval = absl::Milliseconds(100);
  plan.keeps_rows = true;
  const auto text = std::make_shared<const std::string>("hello");
  plan.make_exchange = [text] { return std::make_unique<FixedExchange>(text, text); };
  return plan;
}

void ExpectToAddUp(const LoadPlan& plan, const LoadTally& tally) {
  uint64_t replies = 0;
  Histogram all;
  for (const LoadRow& row : RowsOf(plan, tally)) {
    replies += row.replies;
    all.Add(*row.response);
  }
  EXPECT_EQ(replies, tally.replies);
  EXPECT_EQ(all.Buckets(), tally.response.Buckets());
}

// Two threads with equal shares have each request of the profile once: the same number in each interval in every run.
TEST(RowsTest, RowsOfAProfileAddUpToTheRun) {
  const FakeServer server(Echo);
  std::istringstream file("100ms 500\nburst 40\n50ms 0\n100ms 200:600\n");
  LoadPlan plan = EchoPlan(server.address());
  plan.profile = std::make_shared<const RateProfile>(*RateProfile::Parse(file));
  plan.rate = 130 / 0.25;
  plan.arrivals = Arrivals::Kind::kFixed;
  plan.warm_up = absl::Milliseconds(20);
  const absl::StatusOr<LoadTally> tally = RunLoad(plan);
  ASSERT_TRUE(tally.ok()) << tally.status();
  ExpectToAddUp(plan, *tally);
  EXPECT_EQ(tally->due, 130u);
  const std::vector<LoadRow> rows = RowsOf(plan, *tally);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].response->count(), 50u);
  EXPECT_EQ(rows[1].response->count(), 40u + 15);  // Of the ramp from 0.15 s to 0.2 s, which is half over then.
  EXPECT_EQ(rows[2].response->count(), 25u);
}

TEST(RowsTest, RowsOfAClosedLoopAddUpToTheRun) {
  const FakeServer server(Echo);
  const LoadPlan plan = EchoPlan(server.address());
  const absl::StatusOr<LoadTally> tally = RunLoad(plan);
  ASSERT_TRUE(tally.ok()) << tally.status();
  ExpectToAddUp(plan, *tally);
  EXPECT_GT(tally->replies_in_all, 0u);
}

TEST(RowsTest, RunThatIsCutShortHasFewer) {
  const FakeServer server(Echo);
  LoadPlan plan = EchoPlan(server.address());
  plan.duration = absl::Seconds(60);
  std::atomic<bool> interrupted = false;
  plan.interrupted = &interrupted;
  plan.on_counting = [&interrupted](bool begins) {
    if (begins) interrupted = true;
  };
  const absl::StatusOr<LoadTally> tally = RunLoad(plan);
  ASSERT_TRUE(tally.ok()) << tally.status();
  EXPECT_TRUE(tally->interrupted);
  EXPECT_LT(tally->response_per_interval.size(), 600u);
  EXPECT_EQ(tally->response_per_interval.size(), tally->per_interval.size());
  ExpectToAddUp(plan, *tally);
}

}  // namespace
}  // namespace polyserve
