// WorkerProcesses: the processes behind the slots of a pool: how they are forked, and what is done when one ends. For
// every model whose workers are processes, whatever they do.
//
//   Fork(slot) ─▶ child: work() ─┬▶ exits with status 0 ──────▶ OnChildEnd(): kLeft
//                                └▶ killed, or another status ─▶ OnChildEnd(): kCrashed; counts out its clients
//
// The pool then starts a worker in the slot again, if it needs one.
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

// Used in the parent's main thread; the parent must have no other (see Fork() in net/process.h).
class WorkerProcesses : public ChildObserver {
 public:
  // How many clients of a slot wait for its next worker, and so are not lost with a worker that was killed. Called when
  // a worker has ended; must not block.
  using CountUntaken = std::function<int64_t(int slot)>;

  // The scoreboard and the context must outlive it. The lifeline ends the workers with the server, even if the server
  // is killed. `count_untaken` is null if no client waits for the worker of a particular slot. Adds itself to the
  // context's observers, and removes itself at the end.
  WorkerProcesses(Scoreboard& scoreboard, Lifeline lifeline, ServerContext& context,
                  CountUntaken count_untaken = nullptr);
  ~WorkerProcesses() override;

  // Runs the check in a process that is forked, and ends, like a worker. For Prepare(): reports what would keep a
  // worker from starting. Blocks until the process has ended. Also fails if no process can be forked.
  absl::Status TryInWorker(absl::FunctionRef<absl::Status()> check);

  // Forks a worker; `slot` is the first of its slots. The child runs the work and exits with what it returns; it
  // ignores SIGINT and SIGTERM, and never returns from here. Unavailable: the system has no process left.
  absl::Status Fork(int slot, absl::FunctionRef<int()> work);

  // Tells all workers that the server stops; see Lifeline::TellStop(). One that is just about to block does not notice:
  // repeat it.
  void TellStop() { lifeline_.TellStop(); }

  // Called when a child was reaped; false if it was no worker. Sets its slots to kLeft, or to kCrashed for any end but
  // exit status 0, and counts out the clients that a killed worker could not count out itself. Wakes the acceptors that
  // wait for their places.
  bool OnChildEnd(pid_t pid, int wait_status) override;

 private:
  void NoteEnd(int slot, int wait_status, int64_t lost);

  Scoreboard& scoreboard_;
  Lifeline lifeline_;
  ServerContext& context_;
  const CountUntaken count_untaken_;
  std::vector<pid_t> pids_;  // By slot; -1 if it has no process.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_WORKER_PROCESSES_H_
