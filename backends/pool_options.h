// PoolOptions: the flags that all pools understand (--workers and the like), checked.
#ifndef POLYSERVE_BACKENDS_POOL_OPTIONS_H_
#define POLYSERVE_BACKENDS_POOL_OPTIONS_H_

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

  bool has_fixed_size() const { return workers_min == workers_max; }
};

// InvalidArgument, in one line: a flag that makes no sense.
absl::StatusOr<PoolOptions> PoolOptionsFromFlags();

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_OPTIONS_H_
