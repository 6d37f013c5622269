// The names of agents.
#include "client/load/agent_link.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(AgentLinkTest, AgentsAreAddressesOrHostsOfSsh) {
  EXPECT_EQ(ParseAgents("a:1").value(), std::vector<std::string>{"a:1"});
  EXPECT_EQ(ParseAgents("[::1]:1,ssh:ada@b,ssh:c").value(),
            (std::vector<std::string>{"[::1]:1", "ssh:ada@b", "ssh:c"}));
}

TEST(AgentLinkTest, WhatNamesNoHostIsRefused) {
  for (const char* list : {"", ",", "a", "a:1,", "ssh:", "ssh:-oProxyCommand=x", "-a:1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseAgents(list).status())) << list;
  }
  std::string many = "a:1";
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&many, ",a:1");
  EXPECT_FALSE(ParseAgents(many).ok());
}

}  // namespace
}  // namespace polyserve
