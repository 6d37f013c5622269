// PoolOptions, LoopOptions: the flags of models with several workers (--workers and the like), checked. The flags
// themselves are defined in pool_options.cc, once for all of these models; each model's row of the registry says which
// of them it takes.
//
//   prefork, threadpool  PoolOptionsFromFlags()   at least four workers, since a silent client occupies one
//   loops, rings         LoopOptionsFromFlags()   one loop, unless --workers says otherwise
//
// --workers=auto is as many as the processors that the server is given (net/available_processors.h), for both.
#ifndef POLYSERVE_BACKENDS_POOL_POOL_OPTIONS_H_
#define POLYSERVE_BACKENDS_POOL_POOL_OPTIONS_H_

#include <string>

#include "absl/status/statusor.h"
#include "backends/overload/overload_options.h"

namespace polyserve {

// How the workers share the listeners (--accept). docs/models.md compares them; shared_listeners.h and client_source.h
// show how each works.
enum class AcceptPolicy {
  kShared,     // All wait for clients at the same listeners; the kernel wakes one, or all (--wake).
  kLock,       // The same, but only the worker that holds a lock waits. Not for loops.
  kPass,       // The pool's thread accepts, and hands the client to a worker that is idle.
  kReusePort,  // Each has listeners of its own (SO_REUSEPORT), and the kernel chooses: by a hash, or by processor.
};

// The options of a pool. Plain data.
struct PoolOptions {
  AcceptPolicy accept;
  // How many there are at first; 1 <= workers_min <= workers <= workers_max <= Statistics::kMaxWorkers.
  int workers;
  int workers_min;
  int workers_max;
  // A worker is replaced after this many clients, as a remedy for leaks; 0: never.
  int clients_per_worker;
  // With kShared: each client wakes all workers that wait, and all but one in vain (the thundering herd).
  bool wakes_all;
  // With kReusePort: the processor that a client's first packet has reached decides (--accept=bpf; net/steering.h).
  bool steers_by_processor;
  // Each worker stays on one processor; see net/cpu.h.
  bool pin_cpus;
  // Each worker serves many clients: it takes non-blocking sockets, and serves datagrams as well.
  bool are_loops;
  // Each worker is a process of this many threads, each of which serves one client at a time.
  int threads_per_worker = 1;
  // What is done with clients that find no worker idle; unless it is Overload::kWait, the policy is kPass.
  OverloadOptions overload = {};

  bool has_fixed_size() const { return workers_min == workers_max; }
};

// The options of one or several loops, each of which serves many clients.
struct LoopOptions {
  PoolOptions pool;    // Of fixed size.
  bool are_processes;  // Else they are threads.

  // One loop needs no pool around it, and accepts by itself.
  bool is_one() const { return pool.workers == 1 && !are_processes && pool.accept != AcceptPolicy::kPass; }
};

// Both read the flags, so call them after the command line was parsed. InvalidArgument, with one line for the user: a
// value is out of range, or flags contradict each other.
absl::StatusOr<PoolOptions> PoolOptionsFromFlags();
absl::StatusOr<LoopOptions> LoopOptionsFromFlags();

// For the log: how many workers --workers=auto has come to, and why. Empty with any other --workers. Valid flags only.
std::string DescribeAutomaticWorkers();

// Whether the flags leave it to the pool to accept, so that it may have a queue of its own for --overload. Whether they
// make sense is for PoolOptionsFromFlags() to say.
bool PoolMayQueue();

// True for --worker_type=process. Whether the flag makes sense is for LoopOptionsFromFlags() to say.
bool LoopsAreProcesses();

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_POOL_OPTIONS_H_
