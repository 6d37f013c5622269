// MakeProcessPool: a pool whose workers are processes (backends/pool/pool.h) as a Backend. What is left for a model to
// say is what such a process does:
//
//   prefork.cc   serves one client after the other
//   hybrid.cc    has threads, each of which does that
#ifndef POLYSERVE_BACKENDS_PROCESS_POOL_H_
#define POLYSERVE_BACKENDS_PROCESS_POOL_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/accept_lock.h"
#include "backends/backend.h"
#include "backends/pool/client_channel.h"
#include "backends/pool/client_source.h"
#include "backends/pool/pool_options.h"
#include "backends/pool/pool_parts.h"

namespace polyserve {

// One process of the pool, as its work sees it.
struct WorkerProcess {
  PoolParts& parts;  // Its context is this process's own copy, and counts in this slot.
  const int slot;    // The first, if the process has one for each of its threads (PoolOptions::threads_per_worker).
  const ClientChannel& channel;

  // Where this process gets its clients from. Fails if no descriptor is left.
  absl::StatusOr<std::unique_ptr<ClientSource>> OpenSource() const;
};

// What such a process does, with all that it needs for that.
class ProcessWork {
 public:
  virtual ~ProcessWork() = default;

  // Serves clients until there are none left for this process: it is dismissed, or the server stops. Blocks. Called
  // once, in the process's main thread. An error counts as a crash: another process is started, after a pause if that
  // happens again and again.
  virtual absl::Status Run() = 0;
};

// Acquires what the work needs. Called in each process, once, and also in one that only tries it, before the server is
// ready: so whatever may fail for want of descriptors or memory belongs here. `process` outlives the work.
using OpenWork = absl::StatusOr<std::unique_ptr<ProcessWork>> (*)(const WorkerProcess& process);

// `make_lock` makes the lock of --accept=lock; it is called for no other policy.
std::unique_ptr<Backend> MakeProcessPool(const PoolOptions& options,
                                         absl::StatusOr<std::unique_ptr<AcceptLock>> (*make_lock)(), OpenWork open);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_PROCESS_POOL_H_
