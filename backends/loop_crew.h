// LoopCrew: the workers of a pool where each of them is an event loop or a ring that serves many clients. Two kinds:
// threads and processes. How the pool is looked after is the same as for workers that serve one client each; see
// backends/pool.h.
//
//   shared, reuseport   loop:  wait for listeners and clients ─▶ accept, read, write ─▶ wait ...
//   pass                main:  accept ─▶ inbox of one loop, in turn      loop:  wait for inbox and clients ─▶ ...
#ifndef POLYSERVE_BACKENDS_LOOP_CREW_H_
#define POLYSERVE_BACKENDS_LOOP_CREW_H_

#include <future>
#include <memory>

#include "absl/status/statusor.h"
#include "backends/entrance.h"
#include "backends/pool.h"
#include "backends/pool_board.h"
#include "backends/pool_options.h"
#include "backends/serve_context.h"
#include "backends/serving_loop.h"
#include "net/lifeline.h"

namespace polyserve {

// What a crew works with. All of it must outlive the crew.
struct CrewParts {
  ServeContext& context;
  const PoolOptions& options;
  const MakeLoop& make_loop;
  PoolBoard& board;
  Entrance& entrance;
  // Threads are there, with all that they need, before the server is ready, and wait for this: true where they are to
  // run, false where the server has failed to start.
  std::shared_future<bool> may_run;
};

absl::StatusOr<std::unique_ptr<Crew>> MakeThreadLoops(const CrewParts& parts);
absl::StatusOr<std::unique_ptr<Crew>> MakeProcessLoops(const CrewParts& parts, Lifeline& lifeline);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_LOOP_CREW_H_
