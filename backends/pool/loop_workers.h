// LoopWorkers: the workers of a pool that are event loops or rings, each serving many clients at once (--workers=N).
// Two kinds: threads and processes. The pool looks after them as after workers that serve one client each (pool.h), but
// their number is fixed.
//
//   shared, reuseport  loop:  wait for listeners and clients ─▶ accept, read, write ─▶ wait ...
//   pass               main:  accept ─▶ inbox of one loop, in turn      loop:  wait for inbox and clients ─▶ ...
//
// The datagrams of all peers are served by the loop of slot 0, because a table of peers cannot be split.
#ifndef POLYSERVE_BACKENDS_POOL_LOOP_WORKERS_H_
#define POLYSERVE_BACKENDS_POOL_LOOP_WORKERS_H_

#include <future>
#include <memory>

#include "absl/status/statusor.h"
#include "backends/event/event_loop.h"
#include "backends/pool/pool.h"
#include "backends/pool/pool_parts.h"

namespace polyserve {

// What the workers work with. The references must outlive the product.
struct LoopWorkersOptions {
  PoolParts& pool;
  const MakeLoop& make_loop;  // Called in the worker's own thread or process.
  // For threads, which open all that they need before the server is ready, and then wait for this: true if they are to
  // run, false if the server has failed to start. Set it before the product is destroyed, or that would wait for ever.
  // Processes ignore it.
  std::shared_future<bool> may_run;
};

// Start() of its product returns when the loop is open, and with the loop's error if it could not be opened.
absl::StatusOr<std::unique_ptr<WorkerFactory>> MakeThreadLoops(const LoopWorkersOptions& parts);

// Tries in a child whether a loop can be opened, and fails if not. Start() of its product returns when the worker is
// forked; a worker that then cannot open its loop logs why and exits with status 1.
absl::StatusOr<std::unique_ptr<WorkerFactory>> MakeProcessLoops(const LoopWorkersOptions& parts);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_LOOP_WORKERS_H_
