// PoolParts: what a pool and all of its workers work with, made before the first worker: the options, the scoreboard,
// the listeners, and the worker for datagrams. Processes share it because they are forked after it was made, threads
// because they share all memory.
//
//   Backend::Prepare(): Create() ─▶ Backend::Serve(): the workers use it ─▶ destroyed after the last worker
#ifndef POLYSERVE_BACKENDS_POOL_POOL_PARTS_H_
#define POLYSERVE_BACKENDS_POOL_POOL_PARTS_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/accept_lock.h"
#include "backends/accept/server_context.h"
#include "backends/pool/pool_options.h"
#include "backends/pool/scoreboard.h"
#include "backends/pool/shared_listeners.h"

namespace polyserve {

class UdpWorker;
class WaitingRoom;

struct PoolParts {
  // The context must outlive it. The lock must be null unless the policy is AcceptPolicy::kLock. The scoreboard gets
  // slots for options.workers_max workers, and one more for the UDP worker if any listener takes datagrams and the
  // workers are not loops (loops serve datagrams themselves). Call it before the workers start. Errors: the system
  // lacks descriptors or memory for it.
  static absl::StatusOr<std::unique_ptr<PoolParts>> Create(ServerContext& context, const PoolOptions& options,
                                                           std::unique_ptr<AcceptLock> lock);
  ~PoolParts();

  // The pool accepts, and passes clients on.
  bool passes() const { return options.accept == AcceptPolicy::kPass; }
  // The worker of this slot serves the datagrams.
  bool is_udp_slot(int slot) const { return slot == scoreboard.udp_slot(); }

  // Serves all datagrams until StopUdpWorker(): what a worker runs if is_udp_slot(), in its own thread or process.
  // Blocks. See UdpWorker::Run() for the errors.
  absl::Status RunUdpWorker();
  // Whether RunUdpWorker() could get what it needs; OK if there is no such worker. For Prepare().
  absl::Status TryUdpWorker();
  // Ends RunUdpWorker(), in whichever process or thread it runs. Called in the pool's thread; may be repeated.
  void StopUdpWorker();

  // Safe for the use of all workers at once, except the context: each worker counts in one of its own
  // (ContextOfThread(), ContextOfWorker()), or in its process's copy.
  ServerContext& context;
  const PoolOptions options;
  Scoreboard scoreboard;
  // Each worker opens its own source or copies in it.
  const std::unique_ptr<SharedListeners> shared_listeners;
  const std::unique_ptr<UdpWorker> udp_worker;  // Null if there are no datagrams, or the workers serve them.
  // The pool's alone. Null with Overload::kWait: clients wait in the kernel's queue.
  const std::unique_ptr<WaitingRoom> waiting_room;

 private:
  PoolParts(ServerContext& context, const PoolOptions& options, Scoreboard scoreboard,
            std::unique_ptr<SharedListeners> shared_listeners, std::unique_ptr<UdpWorker> udp_worker,
            std::unique_ptr<WaitingRoom> waiting_room);
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_POOL_PARTS_H_
