#include "load/generator.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "load/worker.h"

namespace polyserve {

namespace {

// The i-th of n equal shares of a whole.
int Share(int whole, int i, int n) { return whole / n + (i < whole % n ? 1 : 0); }

LoadPlan PlanOf(const LoadPlan& plan, int i) {
  LoadPlan own = plan;
  own.connections = Share(plan.connections, i, plan.threads);
  own.idle_connections = Share(plan.idle_connections, i, plan.threads);
  if (plan.rate.has_value()) own.rate = *plan.rate * own.connections / plan.connections;
  return own;
}

void Add(const LoadTally& one, LoadTally& all) {
  all.service.Add(one.service);
  all.response.Add(one.response);
  all.replies += one.replies;
  all.bytes_in += one.bytes_in;
  all.due += one.due;
  all.unanswered += one.unanswered;
  all.wrong += one.wrong;
  all.broken += one.broken;
  all.not_connected += one.not_connected;
  all.connected += one.connected;
  all.per_second.resize(std::max(all.per_second.size(), one.per_second.size()));
  for (size_t i = 0; i < one.per_second.size(); ++i) all.per_second[i] += one.per_second[i];
  all.per_connection.insert(all.per_connection.end(), one.per_connection.begin(), one.per_connection.end());
  all.seconds = one.seconds;
  all.busiest_thread = std::max(all.busiest_thread, one.busiest_thread);
}

}  // namespace

absl::StatusOr<LoadTally> RunLoad(const LoadPlan& plan) {
  std::vector<std::unique_ptr<LoadWorker>> workers;
  for (int i = 0; i < plan.threads; ++i) {
    workers.push_back(std::make_unique<LoadWorker>(PlanOf(plan, i), plan.seed + static_cast<uint64_t>(i)));
    if (absl::Status status = workers.back()->Connect(); !status.ok()) return status;
  }
  const int64_t start = LoadWorker::Now();
  {
    std::vector<std::jthread> threads;
    for (const auto& worker : workers) threads.emplace_back([&worker, start] { worker->Run(start); });
  }
  LoadTally all;
  for (const auto& worker : workers) Add(worker->tally(), all);
  return all;
}

double FairnessIndex(const std::vector<uint64_t>& shares) {
  double sum = 0, squares = 0;
  for (const uint64_t share : shares) {
    sum += static_cast<double>(share);
    squares += static_cast<double>(share) * static_cast<double>(share);
  }
  return squares == 0 ? 1 : sum * sum / (squares * static_cast<double>(shares.size()));
}

}  // namespace polyserve
