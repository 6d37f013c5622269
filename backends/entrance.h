// Entrance: the listeners of a server, as the workers of a pool share them. Made before the workers; each worker opens
// a source of its own in it. Three of the four ways to share (with the fourth, passing clients on, workers stay
// outside):
//
//   shared     all wait; the kernel wakes one of them for each client (see net/wait_set.h), where plain readiness would
//              wake all, only for one to find somebody there.
//   lock       one at a time waits, and lets the next one in when it has a client.
//   reuseport  each slot waits at listeners of its own. They belong to the slot, not to the worker: whoever queues at
//   one
//              whose worker has ended is served by the worker that takes its place.
//
// Peers that send datagrams are different: only one who knows them all can tell a new one from a datagram that strayed
// (backends/peer_desk.h). So it is the pool that accepts them, whatever the policy, and hands them over here.
//
// While the server stops, every worker helps to empty all queues, whosever they are.
#ifndef POLYSERVE_BACKENDS_ENTRANCE_H_
#define POLYSERVE_BACKENDS_ENTRANCE_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "backends/accept_lock.h"
#include "backends/client_source.h"
#include "backends/pool_options.h"
#include "backends/serve_context.h"
#include "base/unique_fd.h"

namespace polyserve {

class Entrance {
 public:
  // The context must outlive it. The lock is null unless the policy is kLock.
  static absl::StatusOr<std::unique_ptr<Entrance>> Create(ServeContext& context, const PoolOptions& options,
                                                          std::unique_ptr<AcceptLock> lock);

  // The source of the worker in this slot. Call it in the worker: a process needs an epoll that is not its parent's.
  absl::StatusOr<std::unique_ptr<ClientSource>> Open(int slot);

  // Asks one worker, any that is idle, to leave. As long as none has, asking again changes nothing.
  void DismissOne();

  // For the one who looks after the pool: hands a peer to a worker that waits, or to the next one that comes. There is
  // room while more of them are idle than peers are on their way.
  bool HasRoomForPeer(int idle_workers) const;
  void PassPeer(Connection peer);
  bool HasPeersOnTheirWay() const;

  // For the one who looks after the pool, while the server stops: shuts down the listeners at which nobody waits any
  // more, so that new clients are told at once, even while a worker that is busy still holds them. False where there
  // is somebody left to be served. Does not close them: threads may be looking.
  bool ShutDownEmpty();

 private:
  Entrance(ServeContext& context, std::unique_ptr<AcceptLock> lock);
  absl::Status AddSiblings(int slots);

  ServeContext& context_;
  const std::unique_ptr<AcceptLock> lock_;
  std::vector<const Listener*> first_;  // The context's listeners of connections.
  std::vector<Listener> siblings_;      // Of these: one of each for each slot but the first.
  std::vector<const Listener*> all_;    // Slot after slot, where each has its own.
  std::vector<const Listener*> open_;   // Those of them that are not shut down.
  UniqueFd dismissals_;                 // Readable while somebody is to leave; whoever reads it does.
  UniqueFd peers_inlet_;                // What peers are passed through.
  UniqueFd peers_outlet_;               // Non-blocking.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ENTRANCE_H_
