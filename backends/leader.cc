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
// The leader runs a turn of epoll's loop (backends/threaded_loop.h), in which ready clients go to the queues. What is
// done for a client is in backends/threaded_client.h; who waits for what, in backends/leader_queues.h.
// Source: Schmidt, Stal, Rohnert, Buschmann, Pattern-Oriented Software Architecture, vol. 2, "Leader/Followers".
#include <gflags/gflags.h>

#include <condition_variable>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backends/accept/server_context.h"
#include "backends/connection/nonblocking_steps.h"
#include "backends/event/event_loop.h"
#include "backends/leader_queues.h"
#include "backends/multi_loop.h"
#include "backends/pool/pool_options.h"
#include "backends/registry.h"
#include "backends/threaded_client.h"
#include "backends/threaded_loop.h"
#include "base/mutex.h"
#include "net/statistics.h"

DEFINE_string(handles, "shared", "=shared|bound leader: any thread serves a client, or the one that accepted it");

namespace polyserve {

namespace {

class LeaderLoop : public ThreadedLoop {
 public:
  LeaderLoop(ServerContext& context, int threads, bool is_bound)
      : ThreadedLoop(context), queues_(mutex_, threads, is_bound) {}
  ~LeaderLoop() override { Close(); }

  absl::Status Open(int threads) {
    MutexLock lock(mutex_);
    return ThreadedLoop::Open(threads, queues_);
  }

 private:
  // What each thread does, in this order: serve, or else lead, or else wait.
  void Work(int self) override {
    const Statistics statistics = context_.statistics.OfWorker(self);
    const WorkerSlot slot(statistics);
    const auto space = std::make_unique<Workspace>();  // Too large for a stack.
    MutexLock lock(mutex_);
    while (!is_over()) {
      if (ThreadedClient* const client = queues_.Take(self); client != nullptr) {
        Serve(self, *client, *space, statistics.counters());
      } else if (runs() && in_turn_ < 0) {
        Turn(self);  // It leads: it waits. If that brings nothing that this thread has to serve, it leads on.
      } else {
        queues_.Wait(self);
      }
    }
    queues_.WakeAll();
  }

  void Serve(int self, ThreadedClient& client, Workspace& space, Counters& own) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::condition_variable_any* const next = queues_.FindNext(self, /*needs_leader=*/in_turn_ < 0);
    mutex_.unlock();
    if (next != nullptr) next->notify_one();
    client.Serve(space, own);
    mutex_.lock();
    Return(client);
  }

  void WakeAll() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { queues_.WakeAll(); }

  LeaderQueues queues_ ABSL_GUARDED_BY(mutex_);
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
