// ThreadTeam: what a worker process of a pool does if it has several threads (process_pool.h): each of them has a slot
// of the pool, and serves one client after the other, like a thread of threadpool.
//
//   main thread:  start the threads ─▶ wait for the stop ─▶ interrupt the threads until all have left
//   thread:       its turn to wait ─▶ accept ─▶ next one's turn ─▶ [ read ─▶ session ─▶ write ]* ─▶ close ─▶ ...
//
// One thread of a process waits at a time. So the process counts as one among the others that wait, whatever the number
// of its threads, and has the descriptors of one worker.
#ifndef POLYSERVE_BACKENDS_THREAD_TEAM_H_
#define POLYSERVE_BACKENDS_THREAD_TEAM_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "backends/pool/client_source.h"
#include "backends/pool/scoreboard.h"
#include "backends/process_pool.h"
#include "base/mutex.h"
#include "net/thread_group.h"

namespace polyserve {

class ThreadTeam : public ProcessWork {
 public:
  // An OpenWork: opens the source of clients. As many threads as the worker has slots.
  static absl::StatusOr<std::unique_ptr<ProcessWork>> Open(const WorkerProcess& process);
  ThreadTeam(const WorkerProcess& process, std::unique_ptr<ClientSource> source);

  // See ProcessWork; never fails: a thread that cannot be started is tried again. The main thread serves no client.
  absl::Status Run() override;

 private:
  // What a thread works with. It belongs to the thread from its start until the slot is kLeaving.
  struct Seat {
    int slot;
    ServerContext context;
  };

  // The source of all threads, one at a time.
  class Turns : public ClientSource {
   public:
    explicit Turns(std::unique_ptr<ClientSource> source) : source_(std::move(source)) {}
    absl::StatusOr<Connection> Next() override;

   private:
    Mutex turn_;
    const std::unique_ptr<ClientSource> source_ ABSL_PT_GUARDED_BY(turn_);
  };

  void StartThread(Seat& seat);
  void ServeClients(Seat& seat);
  void CallOneBack();

  const WorkerProcess& process_;
  Scoreboard& scoreboard_;
  Turns turns_;
  std::vector<Seat> seats_;
  ThreadGroup threads_;  // Last: its destructor waits for them.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_THREAD_TEAM_H_
