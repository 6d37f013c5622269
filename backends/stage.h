// Stage: one stage of the model staged: a queue of clients, the threads that take them off, and the controller that
// decides how many threads there are.
//
//   Add() ─▶ [ c c c c ] ─▶ thread, thread, ...      grow_at clients wait, and no thread is idle: one thread more
//                                                    a thread is idle for kIdleTime: one less, down to one
//
// All stages of a server share one mutex. All calls are made with it held, unless a comment says otherwise. The queue
// counts in the statistics as that of the worker with the stage's number (Statistics::queue(), Model::queues). It is
// bounded by the number of clients: each is in one queue at most.
#ifndef POLYSERVE_BACKENDS_STAGE_H_
#define POLYSERVE_BACKENDS_STAGE_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backends/connection/conversation.h"
#include "backends/connection/nonblocking_steps.h"
#include "backends/threaded_client.h"
#include "base/mutex.h"
#include "net/statistics.h"
#include "net/thread_group.h"

namespace polyserve {

// In the order of the stages, which they number from 0.
enum class StageName { kRead, kWork, kWrite };

// Where a client goes with this as its next step.
StageName StageOf(Step step);

class Stage {
 public:
  // As in the paper, a thread stays for some seconds, so that a stage does not start one for each burst.
  static constexpr absl::Duration kIdleTime = absl::Seconds(5);

  struct Options {
    StageName name;
    int grow_at;  // At least 1.
    int threads_max;
    int first_worker;  // Its threads are workers of these numbers, from here on, in the statistics.
  };

  // Serves one client that was taken off the queue. Called in a thread of the stage; releases the mutex meanwhile.
  using Serve = std::function<void(ThreadedClient& client, Workspace& space, Counters& own)>;

  // The mutex must outlive it. Its threads belong to the group, and use the stage until they have ended.
  Stage(const Options& options, Mutex& mutex, const Statistics& statistics, ThreadGroup& threads, Serve serve);

  // Starts the first thread. Unavailable: the system has none left.
  absl::Status Start() { return AddThread(); }

  // Puts a client that is out behind the others.
  void Add(ThreadedClient& client);
  size_t waiting() const { return waiting_; }

  // Has all threads leave; clients that wait stay where they are.
  void Close();

 private:
  using Clock = std::chrono::steady_clock;

  absl::Status AddThread();
  void Run(int thread);  // Without the mutex.
  ThreadedClient* Take();

  const Options options_;
  Mutex& mutex_;
  const Statistics statistics_;
  QueueCounters& counters_;
  ThreadGroup& group_;
  const Serve serve_;
  ThreadedClient::Queue queue_;
  size_t waiting_ = 0;
  std::condition_variable_any wake_;
  std::vector<bool> numbers_;  // Of its threads: which are taken.
  int threads_ = 0;
  size_t idle_ = 0;  // Threads.
  bool is_closed_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_STAGE_H_
