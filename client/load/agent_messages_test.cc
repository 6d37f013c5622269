// The messages between a coordinator and its agents: what was meant arrives, and nothing else is taken for a message.
#include "client/load/agent_messages.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/load/agent_order.h"
#include "client/load/plan.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

using nlohmann::json;

// As it is after the way over the wire.
json Sent(const json& message) {
  std::string line = AsLine(message);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  line.pop_back();
  const absl::StatusOr<json> parsed = ParseMessage(line);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() ? *parsed : json();
}

TEST(AgentMessagesTest, AnythingElseIsNoMessage) {
  for (const std::string line : {"", "GET / HTTP/1.1", "{}", "[]", "7", "{\"type\":7}", "{\"type\":\"hello\"",
                                 "{\"type\":\"hello\"} x", "\"type\"", "null", "{\"type\":\"\xff\"}"}) {
    EXPECT_EQ(ParseMessage(line).status().code(), absl::StatusCode::kInvalidArgument) << line;
  }
  EXPECT_FALSE(ParseMessage(std::string(1'000'000, '[')).ok()) << "without the stack as deep as that";
  EXPECT_FALSE(ParseMessage(absl::StrCat("{\"type\":", std::string(1'000'000, '['))).ok());
}

TEST(AgentMessagesTest, MessageIsNoDeeperThanItMayBeCopied) {
  const auto nested = [](size_t levels) {
    return absl::StrCat("{\"type\":\"ready\",\"x\":", std::string(levels, '['), std::string(levels, ']'), "}");
  };
  EXPECT_TRUE(ParseMessage(nested(10)).ok());
  EXPECT_EQ(ParseMessage(nested(1'000'000)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(ParseMessage("{\"type\":\"\\\"\",\"x\":" + std::string(100, '[') + std::string(100, ']') + "}").ok());
  const std::string brackets = "\\\"" + std::string(100, '[');
  EXPECT_TRUE(ParseMessage("{\"type\":\"error\",\"text\":\"" + brackets + "\"}").ok()) << "those in a text are none";
}

TEST(AgentMessagesTest, OrderArrivesByteForByte) {
  AgentOrder order;
  order.agents = 3;
  order.agent = 2;
  order.flags = {{"workload", "http"}, {"name", std::string("\xff\0\n", 3)}};
  order.files = {{"profile", "1s 5\n"}};
  const absl::StatusOr<AgentOrder> taken = OrderFromMessage(Sent(OrderMessage(order)));
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->agents, 3);
  EXPECT_EQ(taken->agent, 2);
  EXPECT_EQ(taken->flags, order.flags);
  EXPECT_EQ(taken->files, order.files);
}

TEST(AgentMessagesTest, OrderThatMakesNoSenseIsRefused) {
  const json good = OrderMessage({.agents = 2, .agent = 1, .flags = {{"size", "5"}}, .files = {}});
  ASSERT_TRUE(OrderFromMessage(good).ok());
  for (const auto& [name, value] :
       {std::pair("agents", json(1)), std::pair("agents", json(0)), std::pair("agent", json(-1)),
        std::pair("agents", json(1'000'000)), std::pair("flags", json::array()),
        std::pair("flags", json({{"size", 5}})), std::pair("files", json({{"profile", "%"}})),
        std::pair("files", json()), std::pair("type", json("start"))}) {
    json bad = good;
    bad[name] = value;
    EXPECT_FALSE(OrderFromMessage(bad).ok()) << bad;
  }
}

TEST(AgentMessagesTest, AgentOfAnotherVersionIsNone) {
  EXPECT_TRUE(CheckHello(Sent(HelloMessage())).ok());
  json hello = HelloMessage();
  hello["version"] = 999;
  EXPECT_EQ(CheckHello(hello).code(), absl::StatusCode::kFailedPrecondition);
  hello.erase("version");
  EXPECT_EQ(CheckHello(hello).code(), absl::StatusCode::kInvalidArgument);
}

LoadPlan Plan() {
  LoadPlan plan;
  plan.workload = "mixed";
  plan.connections = 12;
  plan.idle_connections = 1000;
  plan.threads = 2;
  plan.agents = 3;
  plan.rate = 0.1;
  plan.connection_each = true;
  plan.beside.resize(1);
  plan.beside[0].workload = "compute";
  plan.beside[0].connections = 3;
  plan.beside[0].agents = 3;
  return plan;
}

TEST(AgentMessagesTest, CoordinatorLearnsWhatTheWorkloadHasMadeOfThePlan) {
  LoadPlan plan;
  plan.agents = 3;
  ASSERT_TRUE(AdoptReady(Sent(ReadyMessage(Plan())), plan).ok());
  EXPECT_EQ(ReadyMessage(plan)["plan"]["beside"][0]["connections"], 3);
  plan.to = Plan().to;
  EXPECT_EQ(ReadyMessage(plan), ReadyMessage(Plan()));
  EXPECT_EQ(plan.beside[0].agents, 3);
}

TEST(AgentMessagesTest, PlanThatCannotBeSharedIsRefused) {
  const json good = ReadyMessage(Plan());
  for (const auto& [name, value] :
       {std::pair("connections", json(5)), std::pair("connections", json(0)), std::pair("connections", json(1e9)),
        std::pair("threads", json(0)), std::pair("threads", json(1'000'000)), std::pair("rate", json("fast")),
        std::pair("rate", json(-1)), std::pair("idle_connections", json(-1)), std::pair("beside", json(1)),
        std::pair("beside", json({1})), std::pair("workload", json())}) {
    json bad = good;
    bad["plan"][name] = value;
    LoadPlan plan;
    plan.agents = 3;
    EXPECT_FALSE(AdoptReady(bad, plan).ok()) << bad;
  }
}

TEST(AgentMessagesTest, ErrorArrivesInPlaceOfWhatIsDue) {
  LoadPlan plan;
  EXPECT_EQ(AdoptReady(Sent(ErrorMessage(absl::NotFoundError("no \x1b file"))), plan),
            absl::InvalidArgumentError("no \\x1b file"));
  EXPECT_EQ(Expect("tally", Sent(ErrorMessage(absl::UnavailableError("no server")))),
            absl::UnavailableError("no server"));
  EXPECT_FALSE(Expect("tally", PlainMessage("error")).ok());
  EXPECT_FALSE(Expect("tally", PlainMessage("ready")).ok());
}

}  // namespace
}  // namespace polyserve
