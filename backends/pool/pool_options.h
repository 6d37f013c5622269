// PoolOptions, LoopOptions: the flags of models with several workers (--workers and the like), checked.
#ifndef POLYSERVE_BACKENDS_POOL_POOL_OPTIONS_H_
#define POLYSERVE_BACKENDS_POOL_POOL_OPTIONS_H_

#include "absl/status/statusor.h"

namespace polyserve {

// How the workers share the listeners.
enum class AcceptPolicy {
  kShared,     // All wait for clients at the same listeners.
  kLock,       // So they do, but one at a time.
  kPass,       // One accepts, and hands the client to a worker that is idle.
  kReusePort,  // Each has listeners of its own.
};

struct PoolOptions {
  AcceptPolicy accept;
  int workers;             // To begin with.
  int workers_min;         // So many there are at least,
  int workers_max;         // and so many at most.
  int clients_per_worker;  // After so many it leaves, and another one takes its place; 0: it stays.
  bool pin_cpus;           // Each stays on one processor.
  bool are_loops;          // Each serves many clients; so it takes non-blocking sockets, and datagrams as they come.

  bool has_fixed_size() const { return workers_min == workers_max; }
};

// Where each worker is a loop that serves many clients.
struct LoopOptions {
  PoolOptions pool;  // Of fixed size.
  bool are_processes;

  // One loop needs nobody who looks after it, and accepts by itself.
  bool is_one() const { return pool.workers == 1 && !are_processes && pool.accept != AcceptPolicy::kPass; }
};

// InvalidArgument, in one line: a flag that makes no sense.
absl::StatusOr<PoolOptions> PoolOptionsFromFlags();
absl::StatusOr<LoopOptions> LoopOptionsFromFlags();

// --worker_type=process.
bool LoopsAreProcesses();

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_POOL_OPTIONS_H_
