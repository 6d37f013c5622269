// Offload: helper threads of one loop, for tasks that would keep all of its clients waiting (--offload=N): computing,
// and, with --offload_files, reading from a disk what is to be sent. The loop goes on with its other clients, and the
// client is woken when its task is done. The idea of an event loop with helpers is that of the Flash web server
// ("AMPED": Pai, Druschel, Zwaenepoel, USENIX 1999); libuv and nginx do the same with their thread pools.
//
//   task        a function that writes a reply (Output::Task), or reads a part of a file
//   helper      a thread that runs tasks, in the order in which they were submitted, or as --overload says. Not called
//               a worker: that is a process or thread that serves clients.
//   completion  the wake-up of the client, by the loop's WakeList, once the result is there
//
//   loop's thread                              helper
//   ClientTask::Run() ─▶ Submit() ─▶ queue ─▶ runs the task
//        ...                                     │ result
//   OnReady() of the client ◀── WakeList ◀───────┘
//   ClientTask::TakeResult()
//
// The queue's length is in the statistics, and how long its tasks wait: two looks at the clock for each task, beside
// which a hand-over from thread to thread costs a hundred times as much. It is bounded by the number of clients: each
// has one task at most, since its session is shown no input while its task runs, and what its peer sends meanwhile
// waits in the kernel. For the same reason replies keep their order.
#ifndef POLYSERVE_BACKENDS_CONNECTION_OFFLOAD_H_
#define POLYSERVE_BACKENDS_CONNECTION_OFFLOAD_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "backends/connection/offload_options.h"
#include "backends/overload/waiting_line.h"
#include "base/mutex.h"
#include "net/statistics.h"
#include "net/thread_group.h"
#include "net/wake_list.h"
#include "protocol/output.h"

namespace polyserve {

// All calls come from the loop's thread, and none of them blocks, but for the destructor.
class Offload {
 private:
  struct State;

 public:
  // A task that was submitted, as its client sees it: what std::future is to std::async. If it is destroyed before the
  // task is done, a task that still waits is skipped, and the result of one that runs is discarded.
  class Submitted {
   public:
    Submitted(std::shared_ptr<State> state, WakeList& wakes, Wakeable& client);
    ~Submitted();
    Submitted(const Submitted&) = delete;
    Submitted& operator=(const Submitted&) = delete;

    bool is_done() const;
    // What the task has written. Call it once, after is_done().
    Output TakeResult();

   private:
    const std::shared_ptr<State> state_;
    WakeList::Entry completion_;
  };

  // The one task that a client may have with the helpers. A member of each client; the client must outlive it.
  //
  //   no task ──Run(), ReadAhead()──▶ under way ──TakeResult()──▶ no task
  class ClientTask {
   public:
    bool is_under_way() const { return submitted_ != nullptr; }
    // Submits the task. There must be none under way. `refusal`: as for Offload::Submit().
    void Run(Offload& helpers, Output::Task task, Wakeable& client, Output::Task refusal = nullptr);
    // If the file that the output sends next is not in memory, submits the reading of it, and returns true: do not send
    // yet. After a reading it returns false once, even if the kernel has dropped the file again, so that a client makes
    // progress under memory pressure. `helpers` may be null (there are none); then false.
    bool ReadAhead(Offload* helpers, const Output& output, Wakeable& client);
    // If the task is done, moves its result into the output, unless that holds something (the file that was read), and
    // returns true. There must be a task under way.
    bool TakeResult(Output& output);

   private:
    std::unique_ptr<Submitted> submitted_;
    bool has_read_ = false;  // What is sent next was just read.
  };

  // Starts the helpers. The list is the loop's, and must outlive this. The queue counts in the loop's row of the
  // statistics. Helpers that run sessions are listed there as workers, and have rows of their own
  // (OffloadOptions::first_row). Returns null if no helpers are asked for.
  // Unavailable: the system cannot create this many threads.
  static absl::StatusOr<std::unique_ptr<Offload>> Create(const OffloadOptions& options, WakeList& wakes,
                                                         const Statistics& statistics);
  // Drops the tasks that were not begun, and waits for those that were: they cannot be interrupted.
  ~Offload();

  // Helpers run the sessions: the loop calls none of them by itself.
  bool runs_sessions() const { return options_.runs_sessions; }
  // A task may be refused, if there is another one for that case.
  bool may_refuse() const { return options_.overload.is_set(); }
  // For a task of such a helper: the row of the helper that runs it. REQUIRES: the calling thread is one.
  static Counters& CountersOfThisHelper();

  // Queues the task. The client's OnReady() is called, by the loop's WakeList::Deliver(), when it is done. `refusal`,
  // if it is not null, runs instead if there is too much to do (OffloadOptions::overload): in a helper, or in this
  // call.
  std::unique_ptr<Submitted> Submit(Output::Task task, Wakeable& client, Output::Task refusal = nullptr);

  // If helpers read files, and the file that this output sends next is not in memory: queues the reading of as much of
  // it as is sent in one turn. The result is empty. Null if there is nothing to wait for. Costs a system call or two.
  std::unique_ptr<Submitted> SubmitRead(const Output& output, Wakeable& client);

 private:
  using Line = WaitingLine<std::shared_ptr<State>>;

  Offload(const OffloadOptions& options, WakeList& wakes, const Statistics& statistics)
      : options_(options), wakes_(wakes), statistics_(statistics), queue_(options.overload, statistics.queue()) {}
  void Help(int helper);
  void RunTasks();
  Line::Taken AwaitTask();
  void Do(State& state, std::atomic<int64_t> QueueCounters::*refused_as);

  const OffloadOptions options_;
  WakeList& wakes_;
  const Statistics statistics_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  Line queue_ ABSL_GUARDED_BY(mutex_);
  // They were the oldest in a full queue that takes the newest first, and cannot be refused.
  std::deque<std::shared_ptr<State>> kept_ ABSL_GUARDED_BY(mutex_);
  bool takes_kept_ ABSL_GUARDED_BY(mutex_) = false;  // The last task was one of these.
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
  ThreadGroup helpers_;  // Last: its destructor waits for threads that use the others.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_OFFLOAD_H_
