// UdpWorker: the one worker of a pool that serves all peers that send datagrams, beside those that serve connections.
// Peers do not say when they leave, so a worker for each of them would soon be one for nobody: here a peer is an entry
// in a table (backends/udp/udp_socket.h), or one of a set (backends/udp/connected_peers.h), and the worker is an event
// loop of its own. Connections pay nothing for it. Weak spot: as in every loop, long work for one peer stalls the
// others.
#ifndef POLYSERVE_BACKENDS_POOL_UDP_WORKER_H_
#define POLYSERVE_BACKENDS_POOL_UDP_WORKER_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "backends/event/event_loop.h"
#include "backends/pool/scoreboard.h"
#include "backends/pool/shared_listeners.h"
#include "base/unique_fd.h"

namespace polyserve {

class UdpWorker {
 public:
  // Before there are workers. Null where no listener takes datagrams.
  static absl::StatusOr<std::unique_ptr<UdpWorker>> Create(const ServerContext& context);

  // Serves until Stop(), and then what has come before. Called in the worker's own thread or process; a process may
  // have closed no listener of the context yet. The scoreboard is told when no more peers are accepted.
  absl::Status Run(ServerContext& server, const SharedListeners& shared_listeners, Scoreboard& scoreboard);

  // Opens what Run() needs, and lets go of it: whether the system has it.
  absl::Status Try(ServerContext& server, const SharedListeners& shared_listeners, Scoreboard& scoreboard);

  // Ends Run(), even one that has yet to begin. In the thread or process that looks after the pool.
  void Stop();

 private:
  struct Opened {
    ServerContext context;
    WorkerRole role;
    std::unique_ptr<EventLoop> loop;
  };

  absl::StatusOr<std::unique_ptr<Opened>> Open(ServerContext& server, const SharedListeners& shared_listeners,
                                               Scoreboard& scoreboard);

  explicit UdpWorker(UniqueFd stop) : stop_(std::move(stop)) {}

  const UniqueFd stop_;  // Readable once the server stops: an eventfd, which processes share.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_UDP_WORKER_H_
