// Flags that are sent to agents: those that define the run, and no others.
#include "client/load/order_flags.h"

#include <gflags/gflags.h>

#include <fstream>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/load/agent_order.h"
#include "client/load/plan.h"
#include "client/load/plan_flags.h"
#include "client/load/workloads.h"
#include "gtest/gtest.h"

// Of plan_flags.cc.
DECLARE_int32(connections);
DECLARE_string(profile);

namespace polyserve {
namespace {

class OrderFlagsTest : public testing::Test {
 protected:
  static void Set(const char* flag, const std::string& value) {
    ASSERT_NE(gflags::SetCommandLineOption(flag, value.c_str()), "") << flag;
  }

 private:
  const gflags::FlagSaver saver_;  // Restores all flags.
};

TEST_F(OrderFlagsTest, OnlyFlagsThatWereGivenAreSent) {
  Set("connections", "64");  // Its default.
  Set("workload", "http");
  const absl::StatusOr<AgentOrder> order = OrderByFlags();
  ASSERT_TRUE(order.ok()) << order.status();
  EXPECT_EQ(order->flags, (std::map<std::string, std::string>{{"connections", "64"}, {"workload", "http"}}));
  EXPECT_TRUE(order->files.empty());
}

TEST_F(OrderFlagsTest, FilesAreSentThemselves) {
  const std::string path = absl::StrCat(testing::TempDir(), "/profile");
  std::ofstream(path) << "1s 50\n";
  Set("profile", path);
  const absl::StatusOr<AgentOrder> order = OrderByFlags();
  ASSERT_TRUE(order.ok()) << order.status();
  EXPECT_EQ(order->files.at("profile"), "1s 50\n");
  FLAGS_profile = "";
  ASSERT_TRUE(SetFlags(*order).ok());
  EXPECT_NE(FLAGS_profile, path);
  const absl::StatusOr<LoadPlan> plan = MakePlan(*FindWorkload("echo"), 4, 1);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->rate, 50);
  EXPECT_EQ(plan->agents, 4);
  EXPECT_EQ(plan->agent, 1);
}

TEST_F(OrderFlagsTest, FileThatCannotBeSentIsRefused) {
  for (const char* path : {"/no/such/file", "/dev/zero"}) {
    Set("profile", path);
    EXPECT_FALSE(OrderByFlags().ok()) << path;
  }
}

TEST_F(OrderFlagsTest, WhatOnlyThisMachineCanDoIsRefused) {
  Set("files", "/tmp");
  EXPECT_TRUE(absl::IsInvalidArgument(OrderByFlags().status()));
}

TEST_F(OrderFlagsTest, AgentTakesNoFlagThatNamesAFileOfItsOwn) {
  for (const char* flag : {"files", "schedule", "profile", "flagfile", "fromenv", "hgrm", "no_such_flag"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(SetFlags({.flags = {{flag, "/etc/passwd"}}, .files = {}}))) << flag;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(SetFlags({.flags = {}, .files = {{"rows", "x"}}})));
  EXPECT_TRUE(absl::IsInvalidArgument(SetFlags({.flags = {{"connections", "many"}}, .files = {}})));
  ASSERT_TRUE(SetFlags({.flags = {{"connections", "5"}}, .files = {}}).ok());
  EXPECT_EQ(FLAGS_connections, 5);
}

TEST_F(OrderFlagsTest, AgentHasNoFlagsOfARun) {
  EXPECT_TRUE(CheckNoFlagsOfARun().ok());
  Set("rate", "5");
  EXPECT_TRUE(absl::IsInvalidArgument(CheckNoFlagsOfARun()));
}

TEST_F(OrderFlagsTest, EachThreadOfEachAgentNeedsAConnection) {
  Set("connections", "5");
  Set("threads", "2");
  EXPECT_TRUE(MakePlan(*FindWorkload("echo"), 2, 0).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(MakePlan(*FindWorkload("echo"), 3, 0).status()));
}

}  // namespace
}  // namespace polyserve
