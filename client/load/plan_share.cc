#include "client/load/plan_share.h"

#include <algorithm>
#include <cstdint>

namespace polyserve {

namespace {

// Of all agents.
int Threads(const LoadPlan& plan) { return plan.threads * plan.agents; }

// Which of those the thread `i` of plan.agent is.
int Place(const LoadPlan& plan, int i) { return plan.agent * plan.threads + i; }

// The i-th of n shares of a whole, which differ by one at most. For example 10 by 3: 4, 3, 3.
int Share(int whole, int i, int n) { return whole / n + (i < whole % n ? 1 : 0); }

// How much the shares before the i-th one have.
int Before(int whole, int i, int n) { return whole / n * i + std::min(i, whole % n); }

}  // namespace

// The rate follows the connections, so that each connection has the same rate even if the threads have not.
std::optional<double> ShareOfRate(std::optional<double> rate, const LoadPlan& plan, int i) {
  if (!rate.has_value()) return std::nullopt;
  return *rate * Share(plan.connections, Place(plan, i), Threads(plan)) / plan.connections;
}

// Seeds differ, or all threads would send at the same moments. The phase does the same for arrivals that are not
// random.
LoadPlan ShareOf(const LoadPlan& plan, int i) {
  const int place = Place(plan, i), threads = Threads(plan);
  LoadPlan share = plan;
  share.connections = Share(plan.connections, place, threads);
  share.first_connection = Before(plan.connections, place, threads);
  share.idle_connections = Share(plan.idle_connections, place, threads);
  share.seed = plan.seed + static_cast<uint64_t>(place);
  share.rate = ShareOfRate(plan.rate, plan, i);
  share.share = static_cast<double>(share.connections) / plan.connections;
  share.phase = static_cast<double>(place) / threads;
  return share;
}

LoadPlan ShareOfAgent(const LoadPlan& plan, int agent) {
  const int from = agent * plan.threads, to = from + plan.threads, threads = Threads(plan);
  LoadPlan share = plan;
  share.agent = agent;
  share.first_connection = Before(plan.connections, from, threads);
  share.connections = Before(plan.connections, to, threads) - share.first_connection;
  share.idle_connections = Before(plan.idle_connections, to, threads) - Before(plan.idle_connections, from, threads);
  share.share = static_cast<double>(share.connections) / plan.connections;
  if (plan.rate.has_value()) share.rate = *plan.rate * share.connections / plan.connections;
  for (LoadPlan& beside : share.beside) beside = ShareOfAgent(beside, agent);
  return share;
}

int FirstConnection(const LoadPlan& plan) { return Before(plan.connections, Place(plan, 0), Threads(plan)); }

}  // namespace polyserve
