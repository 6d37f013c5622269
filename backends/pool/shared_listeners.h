// SharedListeners: the listeners of a server, as the workers of a pool share them. Made before the workers; each worker
// opens a source of its own in it. Three of the four ways to share (with the fourth, passing clients on, workers stay
// outside):
//
//   shared     all wait; the kernel wakes one of them for each client (see net/wait_set.h), where plain readiness would
//              wake all, only for one to find somebody there.
//   lock       one at a time waits, and lets the next one in when it has a client.
//   reuseport  each slot waits at listeners of its own. They belong to the slot, not to the worker: whoever queues at
//   one
//              whose worker has ended is served by the worker that takes its place.
//
// Datagrams do not come this way: one worker more serves all of them (backends/pool/udp_worker.h).
//
// While the server stops, every worker helps to empty all queues, whosever they are.
#ifndef POLYSERVE_BACKENDS_POOL_SHARED_LISTENERS_H_
#define POLYSERVE_BACKENDS_POOL_SHARED_LISTENERS_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backends/accept/accept_lock.h"
#include "backends/accept/backlog.h"
#include "backends/accept/server_context.h"
#include "backends/pool/client_source.h"
#include "backends/pool/pool_options.h"
#include "base/unique_fd.h"

namespace polyserve {

class SharedListeners {
 public:
  // The context must outlive it. The lock is null unless the policy is kLock.
  static absl::StatusOr<std::unique_ptr<SharedListeners>> Create(ServerContext& context, const PoolOptions& options,
                                                                 std::unique_ptr<AcceptLock> lock);

  // The source of the worker in this slot. Call it in the worker: a process needs an epoll that is not its parent's.
  absl::StatusOr<std::unique_ptr<ClientSource>> Open(int slot);

  // Copies of the listeners of a loop. Those of datagrams are the first one's alone, since it has to know their peers.
  absl::StatusOr<std::vector<Listener>> CopyListeners(int slot, bool accepts_connections) const;
  // Copies of those of datagrams.
  absl::StatusOr<std::vector<Listener>> CopyDatagramListeners() const { return CopyListeners(0, false); }

  // Asks one worker, any that is idle, to leave. As long as none has, asking again changes nothing.
  void DismissOne();

  // For the pool's own thread, while the server stops: shuts down the listeners at which no client waits any more, so
  // that new clients are told at once, even while a worker that is busy still holds the listener. False if a client is
  // left, or is amid a handshake: workers are needed then. Closes no listener, since threads may be looking at it.
  bool ShutDownEmpty();

 private:
  SharedListeners(ServerContext& context, std::unique_ptr<AcceptLock> lock);
  absl::Status AddSiblings(int slots);
  absl::Span<const Listener* const> ListenersOf(int slot) const;
  std::vector<int> SiblingsOf(const Listener& one) const;

  ServerContext& context_;
  const std::unique_ptr<AcceptLock> lock_;
  std::vector<const Listener*> first_;  // The context's listeners of connections.
  std::vector<Listener> siblings_;      // Of these: one of each for each slot but the first.
  std::vector<const Listener*> all_;    // Slot after slot, where each has its own.
  std::optional<AcceptQueues> queues_;  // All, for the one who looks after the pool; set by Create().
  UniqueFd dismissals_;                 // Readable while somebody is to leave; whoever reads it does.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_SHARED_LISTENERS_H_
