// PoolOptions, LoopOptions: the flags of models with several workers (--workers and the like), checked.
#ifndef POLYSERVE_BACKENDS_POOL_POOL_OPTIONS_H_
#define POLYSERVE_BACKENDS_POOL_POOL_OPTIONS_H_

#include "absl/status/statusor.h"

namespace polyserve {

// How the workers share the listeners.
enum class AcceptPolicy {
  kShared,     // All wait for clients at the same listeners.
  kLock,       // The same, but one at a time.
  kPass,       // One accepts, and hands the client to a worker that is idle.
  kReusePort,  // Each has listeners of its own.
};

struct PoolOptions {
  AcceptPolicy accept;
  int workers;             // How many there are at first: workers_min <= workers <= workers_max.
  int workers_min;         // At least 1.
  int workers_max;         // At most Statistics::kMaxWorkers.
  int clients_per_worker;  // A worker is replaced after this many clients; 0: never.
  bool pin_cpus;           // Each worker stays on one processor.
  bool are_loops;          // Each serves many clients: it takes non-blocking sockets, and datagrams as they come.

  bool has_fixed_size() const { return workers_min == workers_max; }
};

// The options of a pool whose workers are loops that serve many clients each.
struct LoopOptions {
  PoolOptions pool;  // Of fixed size.
  bool are_processes;

  // One loop needs no pool around it, and accepts by itself.
  bool is_one() const { return pool.workers == 1 && !are_processes && pool.accept != AcceptPolicy::kPass; }
};

// Both read the flags, so call them after the command line was parsed. InvalidArgument, with one line for the user: a
// value out of range, or flags that contradict each other.
absl::StatusOr<PoolOptions> PoolOptionsFromFlags();
absl::StatusOr<LoopOptions> LoopOptionsFromFlags();

// --worker_type=process.
bool LoopsAreProcesses();

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_POOL_OPTIONS_H_
