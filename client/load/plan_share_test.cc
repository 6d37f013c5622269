// The shares of a plan: a load that comes from several hosts is the load of one.
#include "client/load/plan_share.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "client/load/arrivals.h"
#include "client/load/plan.h"
#include "client/load/rate_profile.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

LoadPlan Plan(int connections, int agents, int threads) {
  LoadPlan plan;
  plan.connections = connections;
  plan.idle_connections = 2 * connections + 1;
  plan.agents = agents;
  plan.threads = threads;
  plan.rate = 1000;
  plan.seed = 7;
  LoadPlan beside;
  beside.connections = agents + 1;
  beside.agents = agents;
  plan.beside.push_back(beside);
  return plan;
}

struct Shape {
  int connections, agents, threads;
};
constexpr Shape kShapes[] = {{1, 1, 1}, {10, 1, 3}, {10, 2, 2}, {7, 7, 1}, {100, 3, 8}, {10'001, 17, 5}};

TEST(PlanShareTest, ThreadsOfAllAgentsHaveTheSharesOfOneHost) {
  for (const auto& [connections, agents, threads] : kShapes) {
    const LoadPlan one = Plan(connections, 1, agents * threads);
    LoadPlan many = Plan(connections, agents, threads);
    int next = 0;
    for (int i = 0; i < agents * threads; ++i) {
      many.agent = i / threads;
      const LoadPlan expected = ShareOf(one, i), share = ShareOf(many, i % threads);
      EXPECT_EQ(share.connections, expected.connections);
      EXPECT_EQ(share.idle_connections, expected.idle_connections);
      EXPECT_EQ(share.first_connection, next) << "they lie side by side";
      EXPECT_EQ(share.seed, expected.seed);
      EXPECT_EQ(share.rate, expected.rate);
      EXPECT_EQ(share.share, expected.share);
      EXPECT_EQ(share.phase, expected.phase);
      EXPECT_EQ(ShareOfRate(500, many, i % threads), ShareOfRate(500, one, i));
      next += share.connections;
    }
    EXPECT_EQ(next, connections);
  }
}

TEST(PlanShareTest, AgentHasWhatItsThreadsHave) {
  for (const auto& [connections, agents, threads] : kShapes) {
    LoadPlan plan = Plan(connections, agents, threads);
    int all = 0, all_idle = 0, all_beside = 0;
    double rate = 0;
    for (plan.agent = 0; plan.agent < agents; ++plan.agent) {
      int of_threads = 0, idle = 0;
      double rate_of_threads = 0;
      for (int i = 0; i < threads; ++i) {
        const LoadPlan share = ShareOf(plan, i);
        of_threads += share.connections;
        idle += share.idle_connections;
        rate_of_threads += *share.rate;
      }
      const LoadPlan share = ShareOfAgent(plan, plan.agent);
      EXPECT_EQ(share.connections, of_threads);
      EXPECT_EQ(share.idle_connections, idle);
      EXPECT_NEAR(*share.rate, rate_of_threads, 1e-9);
      EXPECT_EQ(share.first_connection, FirstConnection(plan));
      EXPECT_GE(share.beside[0].connections, 1);
      all += share.connections;
      all_idle += share.idle_connections;
      all_beside += share.beside[0].connections;
      rate += *share.rate;
    }
    EXPECT_EQ(all, connections);
    EXPECT_EQ(all_idle, plan.idle_connections);
    EXPECT_EQ(all_beside, plan.beside[0].connections);
    EXPECT_NEAR(rate, 1000, 1e-9);
  }
}

TEST(PlanShareTest, ClosedLoopHasNoRateToShare) {
  LoadPlan plan = Plan(10, 2, 2);
  plan.rate.reset();
  EXPECT_FALSE(ShareOf(plan, 0).rate.has_value());
  EXPECT_FALSE(ShareOfAgent(plan, 1).rate.has_value());
}

// All times until the end of the profile.
void AppendTimes(const LoadPlan& share, const RateProfile& profile, std::vector<int64_t>& times) {
  Arrivals arrivals(Arrivals::Kind::kFixed, profile, share.share, share.seed, share.phase);
  for (int64_t time; (time = arrivals.Next()) != RateProfile::kNever;) times.push_back(time);
}

TEST(PlanShareTest, RequestsOfAllAgentsAreDueWhenThoseOfOneHostAre) {
  const RateProfile ramp = RateProfile::Ramp(0, 200, absl::Seconds(1));
  std::vector<int64_t> of_one, of_many;
  AppendTimes(ShareOf(Plan(12, 1, 1), 0), ramp, of_one);
  LoadPlan plan = Plan(12, 2, 3);
  for (plan.agent = 0; plan.agent < 2; ++plan.agent) {
    for (int i = 0; i < 3; ++i) AppendTimes(ShareOf(plan, i), ramp, of_many);
  }
  std::sort(of_many.begin(), of_many.end());
  ASSERT_EQ(of_many.size(), of_one.size());
  for (size_t i = 0; i < of_one.size(); ++i) EXPECT_NEAR(static_cast<double>(of_many[i]), of_one[i], 2);
}

}  // namespace
}  // namespace polyserve
