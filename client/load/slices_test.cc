// Slices: what a line may say, and that the same connections serve all of them, in closed and open loop.

#include "client/load/slices.h"

#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/load/arrivals.h"
#include "client/load/exchange.h"
#include "client/load/impatient_clients.h"
#include "client/load/plan.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {
namespace {

// Sends back what it receives, each connection in a thread; counts the connections.
class EchoServer {
 public:
  EchoServer() : listener_(*ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration())) {
    SetNonBlocking(listener_.get(), false).IgnoreError();
    accepting_ = std::thread([this] { Accept(); });
  }
  ~EchoServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    accepting_.join();
  }

  Endpoint address() const { return *Endpoint::OfSocket(listener_.get()); }
  int connections() const { return connections_; }

 private:
  void Accept() {
    while (true) {
      UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd.ok()) return;
      ++connections_;
      serving_.emplace_back([fd = std::move(fd)] {
        char buffer[4096];
        for (ssize_t count; (count = ::recv(fd.get(), buffer, sizeof(buffer), 0)) > 0;) {
          ::send(fd.get(), buffer, static_cast<size_t>(count), MSG_NOSIGNAL);
        }
      });
    }
  }

  UniqueFd listener_;
  std::atomic<int> connections_ = 0;
  std::vector<std::jthread> serving_;  // Each ends when the load closes its connection.
  std::thread accepting_;
};

LoadPlan PlanFor(const Endpoint& server) {
  LoadPlan plan;
  plan.workload = "echo";
  plan.to = server;
  plan.connections = 3;
  const auto text = std::make_shared<const std::string>("hello");
  plan.make_exchange = [text] { return std::make_unique<FixedExchange>(text, text); };
  return plan;
}

std::vector<nlohmann::json> Reports(const LoadPlan& plan, const std::string& orders) {
  std::istringstream input(orders);
  std::ostringstream output;
  const absl::StatusOr<bool> all_good = RunSlices(plan, input, output);
  EXPECT_TRUE(all_good.ok() && *all_good) << all_good.status();
  std::vector<nlohmann::json> reports;
  std::istringstream lines(output.str());
  for (std::string line; std::getline(lines, line);) reports.push_back(nlohmann::json::parse(line));
  return reports;
}

TEST(SliceOrderTest, TakesSecondsAndARate) {
  const absl::StatusOr<SliceOrder> closed = ParseSliceOrder("0.25");
  ASSERT_TRUE(closed.ok()) << closed.status();
  EXPECT_EQ(closed->duration, absl::Milliseconds(250));
  EXPECT_FALSE(closed->rate.has_value());
  const absl::StatusOr<SliceOrder> open = ParseSliceOrder(" 1  2000 ");
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_EQ(open->rate, 2000);
}

TEST(SliceOrderTest, RefusesWhatMakesNoSense) {
  for (const char* line : {"", "x", "0", "-1", "nan", "inf", "1e9", "1 0", "1 -2", "1 x", "1 nan", "1 2 3"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseSliceOrder(line).status())) << line;
  }
}

TEST(SlicesTest, ConnectionsStayFromOneToTheNext) {
  const EchoServer server;
  const std::vector<nlohmann::json> reports = Reports(PlanFor(server.address()), "0.05\n0.05 1000\n0.05\n");
  ASSERT_EQ(reports.size(), 3u);
  EXPECT_EQ(server.connections(), 3);
  for (const nlohmann::json& report : reports) {
    EXPECT_GT(report["replies"], 0) << report;
    EXPECT_EQ(report["faults"], nlohmann::json::array()) << report;
    EXPECT_EQ(report["connected"], 3);
    EXPECT_DOUBLE_EQ(report["seconds"], 0.05);
  }
  EXPECT_EQ(reports[1]["rate"], 1000);
  EXPECT_FALSE(reports[2].contains("rate"));
}

// Each report is of its slice alone.
TEST(SlicesTest, CountsBeginAnew) {
  const EchoServer server;
  const std::vector<nlohmann::json> reports = Reports(PlanFor(server.address()), "0.2 50\n0.2 50\n");
  ASSERT_EQ(reports.size(), 2u);
  for (const nlohmann::json& report : reports) {
    EXPECT_EQ(report["due"], report["response_ns"]["count"]) << report;
    EXPECT_LE(report["due"], 40);  // 10 on average: all of both would hardly be twice that for each.
  }
  EXPECT_NE(reports[0]["response_ns"], reports[1]["response_ns"]);
}

TEST(SlicesTest, NewConnectionsForEachRequestWorkAsWell) {
  const EchoServer server;
  LoadPlan plan = PlanFor(server.address());
  plan.connection_each = true;
  const std::vector<nlohmann::json> reports = Reports(plan, "0.03\n0.03\n");
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_GT(reports[1]["replies"], 0);
}

LoadPlan ImpatientPlanFor(const Endpoint& server) {
  LoadPlan plan = PlanFor(server);
  plan.connections = 50;
  plan.connection_each = true;
  plan.impatience = Impatience{.give_up = absl::Seconds(20)};
  plan.make_thread = [](const LoadPlan& share) { return std::make_unique<ImpatientClients>(share); };
  return plan;
}

TEST(SlicesTest, ClientsThatGiveUpHaveTheRateOfEachSlice) {
  const EchoServer server;
  LoadPlan plan = ImpatientPlanFor(server.address());
  plan.arrivals = Arrivals::Kind::kFixed;
  const std::vector<nlohmann::json> reports = Reports(plan, "0.1 100\n0.1 200\n");
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0]["due"], 10);
  EXPECT_EQ(reports[1]["due"], 20);
  EXPECT_EQ(reports[1]["rate"], 200);
}

TEST(SlicesTest, ClientsThatGiveUpNeedARate) {
  const EchoServer server;
  std::istringstream input("0.1\n");
  std::ostringstream output;
  const absl::Status status = RunSlices(ImpatientPlanFor(server.address()), input, output).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
}

TEST(SlicesTest, ALineThatMakesNoSenseEndsIt) {
  const EchoServer server;
  std::istringstream input("0.01\nsoon\n");
  std::ostringstream output;
  const absl::StatusOr<bool> all_good = RunSlices(PlanFor(server.address()), input, output);
  EXPECT_TRUE(absl::IsInvalidArgument(all_good.status())) << all_good.status();
  EXPECT_TRUE(absl::StrContains(output.str(), "\"replies\"")) << output.str();
}

}  // namespace
}  // namespace polyserve
