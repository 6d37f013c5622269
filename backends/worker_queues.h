// WorkerQueues: the clients of the model stealing that are ready, in a queue for each worker. A worker serves those of
// its own queue; once that is empty, it takes some of another worker's, serves the first, and keeps the others.
//
//   Put() ─▶ [ c c c c ] ─▶ Take()    worker 0
//                  └─┐
//            [ ]     └────▶ Steal()   worker 1, which has no client of its own: c, and one for its queue
//
// No call takes a lock, or waits. The queues are in the statistics, each in the row of its worker
// (Statistics::queue()). They are bounded by the number of clients: each is in one queue at most.
#ifndef POLYSERVE_BACKENDS_WORKER_QUEUES_H_
#define POLYSERVE_BACKENDS_WORKER_QUEUES_H_

#include <chrono>
#include <cstddef>
#include <deque>

#include "absl/status/statusor.h"
#include "backends/run_queue.h"
#include "backends/threaded_client.h"
#include "net/statistics.h"

namespace polyserve {

// Workers are numbered from 0. Each call, but for has_work(), comes from the thread of the worker that it names.
class WorkerQueues {
 public:
  // How much a worker without a client takes of another one's queue.
  enum class Loot { kNone, kOne, kHalf };
  // Reads --steal; call it after the flags are parsed. InvalidArgument: it is none of these.
  static absl::StatusOr<Loot> LootFromFlags();

  // The statistics must outlive it.
  WorkerQueues(const Statistics& statistics, int workers, Loot loot);

  // Puts a client that is out behind the others of this worker. Returns how many there are at
  // most, with this one.
  size_t Put(int worker, ThreadedClient& client);
  // The one that has been in the worker's queue for the longest time. Null: the queue is empty.
  ThreadedClient* Take(int worker);
  // One of another worker's, if it has any. The others that go with it are in the queue of this worker, which must be
  // empty, when the call returns. Null: there is nothing to take.
  ThreadedClient* Steal(int worker);

  // Whether Take() or Steal() would have found a client when it was asked.
  bool has_work(int worker) const;

 private:
  using Clock = std::chrono::steady_clock;
  using Clients = RunQueue<ThreadedClient>;

  struct Queue {
    explicit Queue(QueueCounters& of_worker) : counters(of_worker) {}
    Clients clients;
    QueueCounters& counters;
  };

  Queue& at(int worker) { return queues_[static_cast<size_t>(worker)]; }

  const Loot loot_;
  std::deque<Queue> queues_;  // Of which none can be moved.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_WORKER_QUEUES_H_
