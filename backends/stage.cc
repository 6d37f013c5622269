#include "backends/stage.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "backends/count_wait.h"
#include "base/logging.h"

namespace polyserve {

namespace {

// What leads to a call of the session, to its task or to a send is for one stage; other steps cost nothing.
template <StageName kStage>
bool Takes(Step step) {
  switch (step) {
    case Step::kReadLast:
    case Step::kResume:
    case Step::kRunTask:
    case Step::kSend:
      return StageOf(step) == kStage;
    default:
      return true;
  }
}

bool (*StepsOf(StageName name))(Step) {
  if (name == StageName::kWork) return &Takes<StageName::kWork>;
  return name == StageName::kWrite ? &Takes<StageName::kWrite> : &Takes<StageName::kRead>;
}

}  // namespace

StageName StageOf(Step step) {
  if (step == Step::kRunTask) return StageName::kWork;
  const bool is_for_peer = step == Step::kSend || step == Step::kAwaitAck || step == Step::kLinger;
  return is_for_peer ? StageName::kWrite : StageName::kRead;
}

Stage::Stage(const Options& options, Mutex& mutex, const Statistics& statistics, ThreadGroup& threads, Serve serve)
    : options_(options),
      mutex_(mutex),
      statistics_(statistics),
      counters_(statistics.OfWorker(static_cast<int>(options.name)).queue()),
      group_(threads),
      serve_(std::move(serve)),
      numbers_(static_cast<size_t>(options.threads_max)) {}

// The controller's first half. An idle thread that has been notified counts as idle until it wakes up, so the clients
// that those will take are left out.
void Stage::Add(ThreadedClient& client) {
  client.queued_since = Clock::now();
  queue_.push_back(client);
  ++waiting_;
  const auto length = static_cast<int64_t>(waiting_);
  counters_.tasks.fetch_add(1, std::memory_order_relaxed);
  counters_.waiting.store(length, std::memory_order_relaxed);
  if (length > counters_.longest.load(std::memory_order_relaxed)) {
    counters_.longest.store(length, std::memory_order_relaxed);
  }
  wake_.notify_one();
  if (waiting_ < idle_ + static_cast<size_t>(options_.grow_at) || threads_ == options_.threads_max) return;
  const absl::Status status = AddThread();
  if (!status.ok()) LOG_FLOOD(WARNING) << "a stage cannot grow: " << status.message();
}

void Stage::Close() {
  is_closed_ = true;
  wake_.notify_all();
}

absl::Status Stage::AddThread() {
  const auto number = std::find(numbers_.begin(), numbers_.end(), false);
  const auto thread = static_cast<int>(number - numbers_.begin());
  absl::Status status = group_.Start([this, thread] { Run(thread); });
  if (!status.ok()) return status;
  *number = true;
  ++threads_;
  return status;
}

void Stage::Run(int thread) {
  const Statistics statistics = statistics_.OfWorker(options_.first_worker + thread);
  const WorkerSlot slot(statistics);
  const auto space = std::make_unique<Workspace>();  // Too large for a stack.
  space->takes = StepsOf(options_.name);
  MutexLock lock(mutex_);
  while (ThreadedClient* const client = Take()) serve_(*client, *space, statistics.counters());
  numbers_[static_cast<size_t>(thread)] = false;
  --threads_;
}

// The next client. Null: the thread is to leave, because the stage closes, or by the controller's second half. The last
// thread waits without a timer, so that a server without clients does not wake up.
ThreadedClient* Stage::Take() {
  while (queue_.empty() && !is_closed_) {
    ++idle_;
    bool was_idle = false;
    if (threads_ == 1) {
      wake_.wait(mutex_);
    } else {
      was_idle = wake_.wait_for(mutex_, absl::ToChronoSeconds(kIdleTime)) == std::cv_status::timeout;
    }
    --idle_;
    if (was_idle && queue_.empty() && threads_ > 1) return nullptr;
  }
  if (is_closed_) return nullptr;
  ThreadedClient& client = queue_.front();
  queue_.pop_front();
  --waiting_;
  counters_.waiting.store(static_cast<int64_t>(waiting_), std::memory_order_relaxed);
  CountWait(Clock::now() - client.queued_since, counters_);
  return &client;
}

}  // namespace polyserve
