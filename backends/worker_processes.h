// WorkerProcesses: the processes behind the slots of a pool: how they begin and how they end. For every model whose
// workers are processes, whatever they do.
#ifndef POLYSERVE_BACKENDS_WORKER_PROCESSES_H_
#define POLYSERVE_BACKENDS_WORKER_PROCESSES_H_

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "backends/pool_board.h"
#include "backends/serve_context.h"
#include "net/lifeline.h"

namespace polyserve {

class WorkerProcesses {
 public:
  // All must outlive it. The lifeline ends the workers with the server, even where that is killed.
  WorkerProcesses(PoolBoard& board, Lifeline& lifeline, ServeContext& context)
      : board_(board), lifeline_(lifeline), context_(context), pids_(static_cast<size_t>(board.all_slots()), -1) {}

  // Forks a worker, which runs the work and exits with what it returns. Unavailable: the system has no process left.
  absl::Status Start(int slot, absl::FunctionRef<int()> work);

  // SIGCHLD has come: notes on the board who has ended, counts the clients out that a killed worker could not count out
  // itself, and logs it. `untaken` tells how many clients of this slot's wait for its next worker, and are not lost.
  void ReapEnded(absl::FunctionRef<int64_t(int slot)> untaken);

 private:
  void NoteEnd(int slot, int wait_status, int64_t lost);

  PoolBoard& board_;
  Lifeline& lifeline_;
  ServeContext& context_;
  std::vector<pid_t> pids_;  // By slot; -1 where there is none.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_WORKER_PROCESSES_H_
