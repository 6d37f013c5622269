// leader: leader/followers (POSA2). N threads take turns at one set of descriptors. One, the leader, waits; it takes
// one event, promotes a follower to be the next leader, and serves the client itself. So a request passes from the wait
// to the session without a queue, and sessions run side by side.
//
//   follower ─▶ leader: epoll_wait ─▶ promote a follower ─▶ [ read ─▶ session ─▶ write ] ─▶ arm ─▶ follower ...
//
//   --handles=shared   the thread that has taken the event serves it
//   --handles=bound    the thread that has accepted it serves it: a leader passes its event on, and stays the leader
//
// Cost: a thread wakes up for each promotion; epoll_ctl(2) arms the client again. Weak spot: short requests, since all
// threads meet at one lock; as many requests that compute as there are threads stall all.
//
// The leader runs a turn of epoll's loop (backends/event/poller_loop.h), in which ready clients go to the queues. What
// is done for a client is in backends/threaded_client.h; who waits for what, in backends/leader_queues.h.
// Source: Schmidt, Stal, Rohnert, Buschmann, Pattern-Oriented Software Architecture, vol. 2, "Leader/Followers".
#include <gflags/gflags.h>

#include <condition_variable>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backends/accept/server_context.h"
#include "backends/connection/nonblocking_steps.h"
#include "backends/event/event_loop.h"
#include "backends/event/poller_loop.h"
#include "backends/leader_queues.h"
#include "backends/multi_loop.h"
#include "backends/poller/poller.h"
#include "backends/pool/pool_options.h"
#include "backends/registry.h"
#include "backends/threaded_client.h"
#include "base/mutex.h"
#include "net/statistics.h"
#include "net/thread_group.h"

DEFINE_string(handles, "shared", "=shared|bound leader: any thread serves a client, or the one that accepted it");

namespace polyserve {

namespace {

class LeaderLoop : public EventLoop {
 public:
  LeaderLoop(ServerContext& context, int threads, bool is_bound)
      : context_(context), queues_(mutex_, threads, is_bound) {}
  ~LeaderLoop() override { Tell(State::kClosed); }

  // Opens the set, and starts the threads but the main one; they wait for Run().
  absl::Status Open(int threads) {
    MutexLock lock(mutex_);
    absl::StatusOr<std::unique_ptr<PollerLoop>> loop = OpenThreadedLoop(context_, mutex_, queues_, leader_);
    if (!loop.ok()) return loop.status();
    loop_ = *std::move(loop);
    absl::Status status;
    for (int i = 1; status.ok() && i < threads; ++i) status = threads_.Start([this, i] { TakeTurns(i); });
    return status;
  }

  absl::Status Run() override {
    Tell(State::kRuns);
    TakeTurns(0);
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  enum class State { kOpens, kRuns, kClosed };  // Closed: Run() is over, or the server has failed to start.

  void Tell(State state) {
    MutexLock lock(mutex_);
    state_ = state;
    queues_.WakeAll();
  }

  // What each thread does, in this order: serve, or else lead, or else wait.
  void TakeTurns(int self) {
    const Statistics statistics = context_.statistics.OfWorker(self);
    const WorkerSlot slot(statistics);
    const auto space = std::make_unique<Workspace>();  // Too large for a stack.
    MutexLock lock(mutex_);
    while (state_ == State::kOpens || (state_ == State::kRuns && status_.ok() && !loop_->is_over())) {
      if (ThreadedClient* const client = queues_.Take(self); client != nullptr) {
        Serve(self, *client, *space, statistics.counters());
      } else if (state_ == State::kRuns && leader_ < 0) {
        Lead(self);
      } else {
        queues_.Wait(self);
      }
    }
    queues_.WakeAll();
  }

  // One turn of the loop. If it brings nothing that this thread has to serve, this thread leads on.
  void Lead(int self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    leader_ = self;
    waits_until_ = loop_->EndOfWait();
    status_.Update(loop_->Turn());  // Releases the mutex while it waits.
    leader_ = -1;
  }

  void Serve(int self, ThreadedClient& client, Workspace& space, Counters& own) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::condition_variable_any* const next = queues_.FindNext(self, /*needs_leader=*/leader_ < 0);
    mutex_.unlock();
    if (next != nullptr) next->notify_one();
    client.Serve(space, own);
    mutex_.lock();
    client.Return();  // May destroy it.
    // The leader may wait for longer than it should by now: for a new timer, or for the end.
    if (leader_ >= 0 && (loop_->is_over() || loop_->EndOfWait() < waits_until_)) loop_->Interrupt();
  }

  ServerContext& context_;
  Mutex mutex_;
  LeaderQueues queues_ ABSL_GUARDED_BY(mutex_);
  State state_ ABSL_GUARDED_BY(mutex_) = State::kOpens;
  int leader_ ABSL_GUARDED_BY(mutex_) = -1;                        // -1: nobody.
  Poller::Clock::time_point waits_until_ ABSL_GUARDED_BY(mutex_);  // The leader, as it knew.
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<PollerLoop> loop_;  // Set before there are threads; used with the mutex held.
  ThreadGroup threads_;               // Last: its destructor waits for threads that use the others.
};

absl::StatusOr<std::unique_ptr<Backend>> MakeLeaderBackend() {
  const absl::StatusOr<PoolOptions> pool = PoolOptionsFromFlags();
  if (!pool.ok()) return pool.status();
  const bool is_bound = FLAGS_handles == "bound";
  if (!is_bound && FLAGS_handles != "shared") {
    return absl::InvalidArgumentError(absl::StrCat("--handles=", FLAGS_handles, " is not one of shared, bound"));
  }
  using Made = absl::StatusOr<std::unique_ptr<EventLoop>>;
  return MakeOneLoopBackend([threads = pool->workers, is_bound](ServerContext& context, const WorkerRole*) -> Made {
    auto loop = std::make_unique<LeaderLoop>(context, threads, is_bound);
    if (absl::Status status = loop->Open(threads); !status.ok()) return status;
    return loop;
  });
}

const RegisterModel kRow({.name = "leader",
                          .description = "threads that take turns at one set of clients",
                          .lesson = 115,
                          .can = {.computes_apart = true, .serves_elsewhere = true},
                          .flags = "workers handles",
                          .make = &MakeLeaderBackend});

}  // namespace

}  // namespace polyserve
