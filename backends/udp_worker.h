// UdpWorker: the one worker of a pool that serves all peers that send datagrams, beside those that serve connections.
// Peers do not say when they leave, so a worker for each of them would soon be one for nobody: here a peer is an entry
// in a table (backends/datagram_port.h), or one of a set (backends/peer_set.h), and the worker is an event loop of its
// own. Connections pay nothing for it. Weak spot: as in every loop, long work for one peer stalls the others.
#ifndef POLYSERVE_BACKENDS_UDP_WORKER_H_
#define POLYSERVE_BACKENDS_UDP_WORKER_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/entrance.h"
#include "backends/pool_board.h"
#include "backends/serve_context.h"
#include "backends/serving_loop.h"
#include "base/unique_fd.h"

namespace polyserve {

class UdpWorker {
 public:
  // Before there are workers. Null where no listener takes datagrams.
  static absl::StatusOr<std::unique_ptr<UdpWorker>> Create(const ServeContext& context);

  // Serves until Stop(), and then what has come before. Called in the worker's own thread or process; a process may
  // have closed no listener of the context yet. The board is told when no more peers are accepted.
  absl::Status Run(ServeContext& server, const Entrance& entrance, PoolBoard& board);

  // Opens what Run() needs, and lets go of it: whether the system has it.
  absl::Status Try(ServeContext& server, const Entrance& entrance, PoolBoard& board);

  // Ends Run(), even one that has yet to begin. In the thread or process that looks after the pool.
  void Stop();

 private:
  struct Opened {
    ServeContext context;
    LoopPost post;
    std::unique_ptr<ServingLoop> loop;
  };

  absl::StatusOr<std::unique_ptr<Opened>> Open(ServeContext& server, const Entrance& entrance, PoolBoard& board);

  explicit UdpWorker(UniqueFd stop) : stop_(std::move(stop)) {}

  const UniqueFd stop_;  // Readable once the server stops: an eventfd, which processes share.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_WORKER_H_
