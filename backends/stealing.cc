// stealing: work stealing, as in Go and Tokio. N workers are threads that each have a queue of clients that are ready.
// A worker whose queue is empty takes half of another one's. If all are empty, one worker waits for all clients.
//
//   worker:  one of its queue ─▶ [ read ─▶ session ─▶ write ] ─▶ arm ─▶ one of its queue ─▶ ...
//            none there       ─▶ steal half of another worker's queue
//            none anywhere    ─▶ if nobody waits, wait for all ─▶ what is ready to its queue; wake another worker
//                                if somebody does, sleep
//
//   --steal=half|one|none   how much a worker takes of another one's queue
//
// So no client that is ready waits while a worker is idle. Cost: a client's data change caches; epoll_ctl(2) arms it
// again, under a lock. Weak spot: short, even requests, which loops that share nothing serve for less (epoll).
//
// A client is a coroutine (backends/roaming_client.cc), and the loop is epoll's (backends/threaded_loop.h). The theft
// is in backends/worker_queues.cc, and why it needs no lock, in backends/run_queue.h.
// Source: Blumofe, Leiserson, "Scheduling Multithreaded Computations by Work Stealing", FOCS 1994.
#include <condition_variable>
#include <cstddef>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "backends/connection/nonblocking_steps.h"
#include "backends/event/event_loop.h"
#include "backends/multi_loop.h"
#include "backends/pool/pool_options.h"
#include "backends/registry.h"
#include "backends/roaming_client.h"
#include "backends/threaded_client.h"
#include "backends/threaded_loop.h"
#include "backends/worker_queues.h"
#include "base/mutex.h"
#include "net/statistics.h"

namespace polyserve {

namespace {

constexpr int kEventsPerWait = 128;  // As Go.
// A worker that never runs out of clients looks for new ones, and for timers, after as many: as Go and Tokio, a prime.
constexpr unsigned kServedBetweenLooks = 61;

// If a worker sleeps, another one waits for clients, or looks for them. So whoever has found some wakes a sleeper.
class StealingLoop : public ThreadedLoop, public ReadyClients {
 public:
  StealingLoop(ServerContext& context, int workers, WorkerQueues::Loot loot)
      : ThreadedLoop(context), queues_(context.statistics, workers, loot) {}
  ~StealingLoop() override { Close(); }

  absl::Status Open(int workers) {
    MutexLock lock(mutex_);
    return ThreadedLoop::Open(workers, *this,
                              {.events_per_wait = kEventsPerWait, .make_client = RoamingClients(*this)});
  }

 private:
  void Work(int self) override {
    const Statistics statistics = context_.statistics.OfWorker(self);
    const WorkerSlot slot(statistics);
    const auto space = std::make_unique<Workspace>();  // Too large for a stack.
    for (unsigned served = 0;;) {
      if (ThreadedClient* const client = Next(self); client != nullptr) {
        client->Serve(*space, statistics.counters());
        PutBack(self, *client);
        if (++served % kServedBetweenLooks == 0) Look(self);
      } else if (!Rest(self)) {
        return;
      }
    }
  }

  ThreadedClient* Next(int self) {
    if (ThreadedClient* const own = queues_.Take(self); own != nullptr) return own;
    ThreadedClient* const stolen = queues_.Steal(self);
    if (stolen == nullptr) return nullptr;
    MutexLock lock(mutex_);
    if (in_turn_ < 0) wake_.notify_one();
    // The others were in no queue for a moment, in which a worker may have looked for some, and begun to wait.
    if (in_turn_ >= 0 && queues_.has_work(self)) Interrupt();
    return stolen;
  }

  void PutBack(int self, ThreadedClient& client) {
    MutexLock lock(mutex_);
    returns_ = self;
    Return(client);
    returns_ = -1;
  }

  // Nothing was found. Waits for clients, or sleeps while another worker does. False: the server has stopped.
  bool Rest(int self) {
    MutexLock lock(mutex_);
    if (is_over()) return WakeAll(), false;
    // What comes from now on, comes with the mutex held, and its worker then wakes another one.
    if (queues_.has_work(self)) return true;
    runs() && in_turn_ < 0 ? Poll(self) : wake_.wait(mutex_);
    return true;
  }

  void Poll(int self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Turn(self);
    if (queues_.has_work(self)) wake_.notify_one();
  }

  // A turn that does not wait, unless another worker is in one.
  void Look(int self) {
    MutexLock lock(mutex_);
    if (in_turn_ >= 0 || is_over()) return;
    Interrupt();
    Poll(self);
  }

  // In the turn, after which Poll() wakes another worker; or in Return(), from which the client goes behind others.
  void Add(ThreadedClient& client) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const size_t length = queues_.Put(returns_ >= 0 ? returns_ : in_turn_, client);
    if (returns_ >= 0 && length > 1) wake_.notify_one();
  }

  void WakeAll() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { wake_.notify_all(); }

  WorkerQueues queues_;
  std::condition_variable_any wake_;
  int returns_ ABSL_GUARDED_BY(mutex_) = -1;  // Who is in Return(); -1: nobody.
};

absl::StatusOr<std::unique_ptr<Backend>> MakeStealingBackend() {
  const absl::StatusOr<PoolOptions> pool = PoolOptionsFromFlags();
  if (!pool.ok()) return pool.status();
  const absl::StatusOr<WorkerQueues::Loot> loot = WorkerQueues::LootFromFlags();
  if (!loot.ok()) return loot.status();
  using Made = absl::StatusOr<std::unique_ptr<EventLoop>>;
  return MakeOneLoopBackend([workers = pool->workers, loot = *loot](ServerContext& context, const WorkerRole*) -> Made {
    auto loop = std::make_unique<StealingLoop>(context, workers, loot);
    if (absl::Status status = loop->Open(workers); !status.ok()) return status;
    return loop;
  });
}

const RegisterModel kRow({.name = "stealing",
                          .description = "a coroutine for each client, on threads that take them from each other",
                          .lesson = 137,
                          .can = {.computes_apart = true, .serves_elsewhere = true},
                          .flags = "workers steal",
                          .make = &MakeStealingBackend});

}  // namespace

}  // namespace polyserve
