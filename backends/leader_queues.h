// LeaderQueues: which clients of the model leader are ready to be served, and which threads wait. If any thread may
// serve any client, there is one queue and one crowd of followers; if clients are bound, each thread has its own.
//
//   shared   ready ─▶ [ c c c ] ◀─ thread, thread, thread       bound   ready ─▶ [ c c ] ◀─ thread
//                                                                             └▶ [ c ]   ◀─ thread
//
// All calls are made with the mutex held.
#ifndef POLYSERVE_BACKENDS_LEADER_QUEUES_H_
#define POLYSERVE_BACKENDS_LEADER_QUEUES_H_

#include <condition_variable>
#include <cstddef>
#include <vector>

#include "backends/threaded_client.h"
#include "base/mutex.h"

namespace polyserve {

class LeaderQueues : public ReadyClients {
 public:
  // Threads are numbered from 0. The mutex must outlive it.
  LeaderQueues(Mutex& mutex, int threads, bool is_bound)
      : mutex_(mutex), is_bound_(is_bound), queues_(is_bound ? static_cast<size_t>(threads) : 1) {}

  // Puts a client that is out behind the others. If it is bound to a thread that waits, wakes that.
  void Add(ThreadedClient& client) override;
  // The first client that this thread may serve; null if there is none.
  ThreadedClient* Take(int thread);

  // Waits as a follower, without the mutex. May return for no reason.
  void Wait(int thread);
  // What wakes the follower that is to be promoted when this thread goes to serve: to lead, if nobody does, or to serve
  // the next client that is ready. Null: there is no need for one, or none waits. Valid as long as this object; call
  // notify_one() without the mutex, or the follower would wake up only to wait for it.
  std::condition_variable_any* FindNext(int thread, bool needs_leader);
  void WakeAll();

 private:
  struct Queue {
    ThreadedClient::Queue ready;
    int followers = 0;
    std::condition_variable_any wake;
  };

  Queue& of(int thread) { return queues_[is_bound_ ? static_cast<size_t>(thread) : 0]; }

  Mutex& mutex_;
  const bool is_bound_;
  std::vector<Queue> queues_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_LEADER_QUEUES_H_
