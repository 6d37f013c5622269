// What --rate and --profile make of a plan.
#include "client/load/open_loop.h"

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/load/plan.h"
#include "client/load/rate_profile.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

LoadPlan Plan(absl::string_view rate, const std::string& profile = "") {
  LoadPlan plan;
  plan.duration = absl::Seconds(10);
  EXPECT_EQ(SetOpenLoop(rate, profile, plan), absl::OkStatus());
  return plan;
}

TEST(OpenLoopTest, NoRateIsAClosedLoop) {
  EXPECT_FALSE(Plan("0").rate.has_value());
  EXPECT_EQ(Plan("0").profile, nullptr);
}

TEST(OpenLoopTest, OneRateNeedsNoProfile) {
  EXPECT_EQ(Plan("2000").rate, 2000);
  EXPECT_EQ(Plan("2000").profile, nullptr);
  EXPECT_EQ(Plan("2000:2000").profile, nullptr);
}

TEST(OpenLoopTest, RampTakesTheWholeDuration) {
  const LoadPlan plan = Plan("100:500");
  EXPECT_EQ(plan.rate, 300);
  ASSERT_NE(plan.profile, nullptr);
  EXPECT_EQ(plan.profile->duration(), absl::Seconds(10));
  EXPECT_EQ(plan.profile->total(), 3000);
}

TEST(OpenLoopTest, FileSetsTheDuration) {
  const std::string path = testing::TempDir() + "/profile";
  std::ofstream(path) << "2s 100\nburst 50\n3s 100:300\n";
  const LoadPlan plan = Plan("0", path);
  EXPECT_EQ(plan.duration, absl::Seconds(5));
  EXPECT_EQ(plan.rate, (200 + 50 + 600) / 5.0);
  EXPECT_EQ(plan.profile->peak(), 300);
}

TEST(OpenLoopTest, WhatMakesNoSenseIsRefused) {
  LoadPlan plan;
  EXPECT_TRUE(absl::IsInvalidArgument(SetOpenLoop("fast", "", plan)));
  EXPECT_TRUE(absl::IsNotFound(SetOpenLoop("0", "/nonexistent", plan)));
  const std::string path = testing::TempDir() + "/no_profile";
  std::ofstream(path) << "2s\n";
  EXPECT_TRUE(absl::IsInvalidArgument(SetOpenLoop("0", path, plan)));
  EXPECT_FALSE(plan.rate.has_value());
}

}  // namespace
}  // namespace polyserve
