// WorkerProcesses: the processes behind the slots of a pool: how they begin and how they end. For every model whose
// workers are processes, whatever they do.
#ifndef POLYSERVE_BACKENDS_WORKER_PROCESSES_H_
#define POLYSERVE_BACKENDS_WORKER_PROCESSES_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "backends/pool_board.h"
#include "backends/serve_context.h"
#include "net/lifeline.h"

namespace polyserve {

class WorkerProcesses {
 public:
  // How many clients of a slot wait for its next worker, and are not lost with one that was killed.
  using CountUntaken = std::function<int64_t(int slot)>;

  // All must outlive it. The lifeline ends the workers with the server, even where that is killed. From now on, a
  // worker's end is noted on the board, and the clients that a killed worker could not count out itself are counted
  // out.
  WorkerProcesses(PoolBoard& board, Lifeline& lifeline, ServeContext& context, CountUntaken count_untaken);
  ~WorkerProcesses();

  // Forks a worker, which runs the work and exits with what it returns. Unavailable: the system has no process left.
  absl::Status Start(int slot, absl::FunctionRef<int()> work);

 private:
  void OnChildEnd(pid_t pid, int wait_status);
  void NoteEnd(int slot, int wait_status, int64_t lost);

  PoolBoard& board_;
  Lifeline& lifeline_;
  ServeContext& context_;
  const CountUntaken count_untaken_;
  std::vector<pid_t> pids_;  // By slot; -1 where there is none.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_WORKER_PROCESSES_H_
