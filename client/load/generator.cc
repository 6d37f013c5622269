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
#include "client/load/plan_share.h"
#include "client/load/worker.h"

namespace polyserve {

namespace {

bool IsInterrupted(const LoadPlan& plan) {
  // Relaxed: the flag stands for nothing but itself, so no other memory has to be seen with it.
  return plan.interrupted != nullptr && plan.interrupted->load(std::memory_order_relaxed);
}

// Makes the threads' objects, and connects them, in the calling thread: one after the other, since a server with a
// short backlog would drop a part of the burst that all threads together could make (listen(2)).
absl::StatusOr<std::vector<std::unique_ptr<LoadThread>>> Assemble(const LoadPlan& plan) {
  std::vector<std::unique_ptr<LoadThread>> crew;
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

// In the thread that called Run(), so that the load threads do nothing but measure: on_counting may write to a pipe
// that is full.
void TellOfCounting(const LoadPlan& plan, int64_t start, absl::Duration duration) {
  SleepUntil(start + absl::ToInt64Nanoseconds(plan.warm_up), plan);
  plan.on_counting(true);
  SleepUntil(start + absl::ToInt64Nanoseconds(plan.warm_up + duration), plan);
  plan.on_counting(false);
}

// After all threads have ended: inspect() may ask the server, and would disturb a load that is still running.
LoadTally TallyOf(const LoadPlan& plan, const std::vector<std::unique_ptr<LoadThread>>& crew) {
  LoadTally all;
  for (const auto& thread : crew) all.Add(thread->tally());
  if (plan.inspect) {
    for (std::string& fault : plan.inspect()) all.faults.push_back(std::move(fault));
  }
  return all;
}

}  // namespace

ConnectedLoad::ConnectedLoad() = default;
ConnectedLoad::ConnectedLoad(ConnectedLoad&&) noexcept = default;
ConnectedLoad& ConnectedLoad::operator=(ConnectedLoad&&) noexcept = default;
ConnectedLoad::~ConnectedLoad() = default;

absl::StatusOr<ConnectedLoad> ConnectedLoad::Connect(const LoadPlan& plan) {
  ConnectedLoad load;
  load.parts_.push_back({plan, {}});
  for (const LoadPlan& beside : plan.beside) load.parts_.push_back({beside, {}});
  for (Part& part : load.parts_) {
    auto crew = Assemble(part.plan);
    if (!crew.ok()) return crew.status();
    part.crew = *std::move(crew);
  }
  return load;
}

LoadTally ConnectedLoad::Run(absl::Duration duration, std::optional<double> rate) {
  const LoadPlan& plan = parts_.front().plan;
  // Read before the threads exist. Those that start a little late are not excused: in an open loop they catch up with
  // what was due since, and in a closed one the warm-up hides it.
  const int64_t start = LoadThread::Now();
  {
    std::vector<std::jthread> threads;  // Joined at the end of this block: from then on the tallies may be read.
    for (const Part& part : parts_) {
      // The rate that is asked for is that of the named load; what runs beside it keeps its own pace.
      const std::optional<double> of_part = &part == &parts_.front() ? rate : part.plan.rate;
      for (int i = 0; i < part.plan.threads; ++i) {
        const LoadThread::Slice slice = {start, duration, ShareOfRate(of_part, part.plan, i)};
        threads.emplace_back([thread = part.crew[static_cast<size_t>(i)].get(), slice] { thread->Run(slice); });
      }
    }
    if (plan.on_counting) TellOfCounting(plan, start, duration);
  }
  LoadTally all = TallyOf(plan, parts_.front().crew);
  for (size_t i = 1; i < parts_.size(); ++i) all.beside.push_back(TallyOf(parts_[i].plan, parts_[i].crew));
  return all;
}

absl::StatusOr<LoadTally> RunLoad(const LoadPlan& plan) {
  absl::StatusOr<ConnectedLoad> load = ConnectedLoad::Connect(plan);
  if (!load.ok()) return load.status();
  return load->Run(plan.duration, plan.rate);
}

}  // namespace polyserve
