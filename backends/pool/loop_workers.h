// LoopWorkers: the workers of a pool where each of them is an event loop or a ring that serves many clients. Two kinds:
// threads and processes. How the pool is looked after is the same as for workers that serve one client each; see
// backends/pool/pool.h.
//
//   shared, reuseport   loop:  wait for listeners and clients ─▶ accept, read, write ─▶ wait ...
//   pass                main:  accept ─▶ inbox of one loop, in turn      loop:  wait for inbox and clients ─▶ ...
#ifndef POLYSERVE_BACKENDS_POOL_LOOP_WORKERS_H_
#define POLYSERVE_BACKENDS_POOL_LOOP_WORKERS_H_

#include <future>
#include <memory>

#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "backends/event/event_loop.h"
#include "backends/pool/pool.h"
#include "backends/pool/pool_options.h"
#include "backends/pool/scoreboard.h"
#include "backends/pool/shared_listeners.h"
#include "net/lifeline.h"

namespace polyserve {

// What a workers works with. All of it must outlive the workers.
struct LoopWorkersOptions {
  ServerContext& context;
  const PoolOptions& options;
  const MakeLoop& make_loop;
  Scoreboard& scoreboard;
  SharedListeners& shared_listeners;
  // Threads are there, with all that they need, before the server is ready, and wait for this: true where they are to
  // run, false where the server has failed to start.
  std::shared_future<bool> may_run;
};

absl::StatusOr<std::unique_ptr<WorkerFactory>> MakeThreadLoops(const LoopWorkersOptions& parts);
absl::StatusOr<std::unique_ptr<WorkerFactory>> MakeProcessLoops(const LoopWorkersOptions& parts, Lifeline& lifeline);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_LOOP_WORKERS_H_
