// SharedListeners: the listeners of a server, as the workers of a pool share them. Made before the workers; each worker
// opens a source of its own in it. Three of the four ways to share (with the fourth, pass, workers use no listener):
//
//   shared     All workers wait; the kernel wakes one of them for each client (net/wait_set.h). Plain readiness would
//              wake all, and all but one in vain.
//   lock       One worker at a time waits, and lets the next one in when it has a client.
//   reuseport  Each slot waits at listeners of its own; the threads of one process share theirs. They belong to the
//              slot, not to the worker: if a worker has ended, the clients in its queue are served by the worker that
//              replaces it. The kernel chooses by a hash, or (--accept=bpf) by processor.
//
// Datagrams do not come this way: one more worker serves all of them (udp_worker.h).
//
// While the server stops, every worker helps to empty all queues, those of other slots included.
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
  // The context must outlive it. The lock must be null unless the policy is kLock. With kReusePort it binds more
  // listeners, until there are options.workers_max for each address, and leaves them in context.siblings:
  // ResourceExhausted or the like if there are too few descriptors; Unimplemented if the kernel cannot steer by
  // processor.
  static absl::StatusOr<std::unique_ptr<SharedListeners>> Create(ServerContext& context, const PoolOptions& options,
                                                                 std::unique_ptr<AcceptLock> lock);

  // The source of the worker in this slot. Call it in the worker: a process needs an epoll that is not its parent's.
  // Fails if no descriptor is left for that. This object must outlive the source.
  absl::StatusOr<std::unique_ptr<ClientSource>> Open(int slot);

  // Copies of the listeners of the loop in this slot, with descriptors of their own, which share the kernel's queue.
  // Listeners of datagrams go to slot 0 alone, because one loop must know all of their peers. `accepts_connections` is
  // false if another thread accepts and passes the clients on. Fails if no descriptor is left.
  absl::StatusOr<std::vector<Listener>> CopyListeners(int slot, bool accepts_connections) const;
  // Copies of the listeners of datagrams, for the UDP worker.
  absl::StatusOr<std::vector<Listener>> CopyDatagramListeners() const { return CopyListeners(0, false); }

  // Whether a client waits that the worker in this slot could accept. False if the worker is a process without
  // listeners (--accept=pass). A system call for each listener; any thread.
  bool HasWaiting(int slot) const;

  // Asks one worker, any that is idle, to leave. Until one has left, another call changes nothing. Does not block.
  void DismissOne();

  // For the pool's own thread, while the server stops: shuts down the listeners at which no client waits any more, so
  // that new clients are refused at once, even while a busy worker still holds the listener. False if a client is left,
  // or is amid a handshake: workers are needed then. Listeners that stay open (Listener::stays_open()) are left alone.
  // Closes no listener, because threads may be looking at it.
  bool ShutDownEmpty();

 private:
  SharedListeners(ServerContext& context, const PoolOptions& options, std::unique_ptr<AcceptLock> lock);
  absl::Status DealOut(const PoolOptions& options);
  absl::Status AddSiblings(std::vector<const Listener*>& group, int workers);
  absl::Span<const Listener* const> ListenersOf(int slot) const;
  std::vector<int> SiblingsOf(const Listener& one) const;

  ServerContext& context_;
  const int threads_per_worker_;
  const std::unique_ptr<AcceptLock> lock_;
  const bool wakes_all_;
  std::vector<const Listener*> all_;  // The context's listeners of connections, and with kReusePort those of all slots.
  // With kReusePort, otherwise empty: all listeners, by port and by worker.
  std::vector<std::vector<const Listener*>> groups_;
  std::vector<std::vector<const Listener*>> of_workers_;
  std::optional<AcceptQueues> queues_;  // All, for ShutDownEmpty(); set by Create().
  UniqueFd dismissals_;                 // An eventfd, readable while a worker is to leave; the one that reads it does.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_SHARED_LISTENERS_H_
