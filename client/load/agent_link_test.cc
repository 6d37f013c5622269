// The names of agents, and the connection to one.
#include "client/load/agent_link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/load/agent_messages.h"
#include "client/load/fake_agent.h"
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

int OptionOf(int socket, int level, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(::getsockopt(socket, level, option, &value, &size), 0);
  return value;
}

// During a run the coordinator has nothing to send, by which it would notice.
TEST(AgentLinkTest, KernelAsksWhetherTheAgentsHostIsStillThere) {
  const FakeAgent agent(&FakeAgent::AwaitEnd);
  absl::StatusOr<AgentLink> link = AgentLink::Open(agent.address(), {}, FakeAgent::Patience());
  ASSERT_TRUE(link.ok()) << link.status();
  const int socket = link->channel().fd();
  EXPECT_EQ(OptionOf(socket, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(OptionOf(socket, IPPROTO_TCP, TCP_KEEPIDLE), absl::ToInt64Seconds(kAgentKeepAlive));
}

}  // namespace
}  // namespace polyserve
