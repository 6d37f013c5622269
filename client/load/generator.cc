#include "client/load/generator.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/load/load_thread.h"
#include "client/load/worker.h"

namespace polyserve {

namespace {

using WorkerFactory = std::vector<std::unique_ptr<LoadThread>>;

bool IsInterrupted(const LoadPlan& plan) {
  return plan.interrupted != nullptr && plan.interrupted->load(std::memory_order_relaxed);
}

// The i-th of n shares of a whole, which differ by one at most.
int Share(int whole, int i, int n) { return whole / n + (i < whole % n ? 1 : 0); }

// The rate follows the connections, so that each connection has the same rate even if the threads have not. Seeds
// differ, or all threads would send at the same moments.
LoadPlan ShareOf(const LoadPlan& plan, int i) {
  LoadPlan share = plan;
  share.connections = Share(plan.connections, i, plan.threads);
  share.idle_connections = Share(plan.idle_connections, i, plan.threads);
  share.seed = plan.seed + static_cast<uint64_t>(i);
  if (plan.rate.has_value()) share.rate = *plan.rate * share.connections / plan.connections;
  share.phase = static_cast<double>(i) / plan.threads;
  return share;
}

// Makes the threads' objects, and connects them, in the calling thread.
absl::StatusOr<WorkerFactory> Assemble(const LoadPlan& plan) {
  WorkerFactory crew;
  for (int i = 0; i < plan.threads; ++i) {
    const LoadPlan share = ShareOf(plan, i);
    crew.push_back(plan.make_thread ? plan.make_thread(share) : std::make_unique<LoadWorker>(share));
    if (absl::Status status = crew.back()->Connect(); !status.ok()) return status;
    // Tens of thousands of connections take seconds, so Ctrl-C must work here, too.
    if (IsInterrupted(plan)) return absl::CancelledError("interrupted before all connections were made");
  }
  return crew;
}

// In steps, so that an interrupt is noticed.
void SleepUntil(int64_t time, const LoadPlan& plan) {
  for (int64_t left; (left = time - LoadThread::Now()) > 0 && !IsInterrupted(plan);) {
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(left, LoadThread::kSecond / 10)));
  }
}

// In the thread that called RunLoad(), so that the load threads do nothing but measure: on_counting may write to a pipe
// that is full.
void TellOfCounting(const LoadPlan& plan, int64_t start) {
  SleepUntil(start + absl::ToInt64Nanoseconds(plan.warm_up), plan);
  plan.on_counting(true);
  SleepUntil(start + absl::ToInt64Nanoseconds(plan.warm_up + plan.duration), plan);
  plan.on_counting(false);
}

// After all threads have ended: inspect() may ask the server, and would disturb a load that is still running.
LoadTally TallyOf(const LoadPlan& plan, const WorkerFactory& crew) {
  LoadTally all;
  for (const auto& thread : crew) all.Add(thread->tally());
  if (plan.inspect) {
    for (std::string& fault : plan.inspect()) all.faults.push_back(std::move(fault));
  }
  return all;
}

}  // namespace

absl::StatusOr<LoadTally> RunLoad(const LoadPlan& plan) {
  std::vector<const LoadPlan*> plans = {&plan};
  for (const LoadPlan& beside : plan.beside) plans.push_back(&beside);
  std::vector<WorkerFactory> crews;
  for (const LoadPlan* each : plans) {
    absl::StatusOr<WorkerFactory> crew = Assemble(*each);
    if (!crew.ok()) return crew.status();
    crews.push_back(*std::move(crew));
  }
  const int64_t start = LoadThread::Now();
  {
    std::vector<std::jthread> threads;  // Joined at the end of this block: from then on the tallies may be read.
    for (const WorkerFactory& crew : crews) {
      for (const auto& thread : crew) threads.emplace_back([&thread, start] { thread->Run(start); });
    }
    if (plan.on_counting) TellOfCounting(plan, start);
  }
  LoadTally all = TallyOf(plan, crews.front());
  for (size_t i = 1; i < plans.size(); ++i) all.beside.push_back(TallyOf(*plans[i], crews[i]));
  return all;
}

}  // namespace polyserve
