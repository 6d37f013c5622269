// WorkerProcesses: the processes behind the slots of a pool: how they begin and how they end. For every model whose
// workers are processes, whatever they do.
#ifndef POLYSERVE_BACKENDS_POOL_WORKER_PROCESSES_H_
#define POLYSERVE_BACKENDS_POOL_WORKER_PROCESSES_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "backends/accept/server_context.h"
#include "backends/pool/scoreboard.h"
#include "net/child_observer.h"
#include "net/lifeline.h"

namespace polyserve {

class WorkerProcesses : public ChildObserver {
 public:
  // How many clients of a slot wait for its next worker, and are not lost with one that was killed.
  using CountUntaken = std::function<int64_t(int slot)>;

  // All must outlive it. The lifeline ends the workers with the server, even where that is killed. From now on, a
  // worker's end is noted on the scoreboard, and the clients that a killed worker could not count out itself are
  // counted out.
  WorkerProcesses(Scoreboard& scoreboard, Lifeline& lifeline, ServerContext& context, CountUntaken count_untaken);
  ~WorkerProcesses() override;

  // Forks a worker, which runs the work and exits with what it returns. Unavailable: the system has no process left.
  absl::Status Start(int slot, absl::FunctionRef<int()> work);

  bool OnChildEnd(pid_t pid, int wait_status) override;

 private:
  void NoteEnd(int slot, int wait_status, int64_t lost);

  Scoreboard& scoreboard_;
  Lifeline& lifeline_;
  ServerContext& context_;
  const CountUntaken count_untaken_;
  std::vector<pid_t> pids_;  // By slot; -1 where there is none.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_WORKER_PROCESSES_H_
