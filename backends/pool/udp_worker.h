// UdpWorker: the one worker of a pool that serves all peers that send datagrams, beside the workers that serve
// connections. UDP peers do not say when they leave, so a worker for each of them would soon wait for a peer that is
// gone. Here a peer is an entry in a table (backends/udp/udp_socket.h), or one of a set
// (backends/udp/connected_peers.h), and the worker is an event loop of its own. Weak spot: as in every loop, long work
// for one peer stalls the others.
//
//   parent:  Create() ─▶ Try() ─▶ the pool starts a worker in udp_slot() ─▶ Run()        :that worker
//                                 the server stops ─▶ Stop() ─────────────▶ Run() returns
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

// Made in the parent. If workers are processes, each has a copy of it, and they share nothing but the stop.
class UdpWorker {
 public:
  // Call it before the first worker starts. Null if no listener takes datagrams. Fails if no descriptor is left.
  static absl::StatusOr<std::unique_ptr<UdpWorker>> Create(const ServerContext& context);

  // Blocks, and serves until Stop(), then what has come before. Call it in the worker's own thread or process, with all
  // listeners of the context still open; it works with copies of their descriptors. Sets its slot to kLeaving when it
  // accepts no more peers. Returns why the loop could not be opened or has failed.
  absl::Status Run(ServerContext& server, const SharedListeners& shared_listeners, Scoreboard& scoreboard);

  // Opens what Run() needs, and closes it again: whether the system has it. For Backend::Prepare(). ResourceExhausted
  // or the like if not.
  absl::Status Try(ServerContext& server, const SharedListeners& shared_listeners, Scoreboard& scoreboard);

  // Ends Run(), even one that has yet to begin: what it writes is never read. Called by the pool, from another thread
  // or process, as often as it likes; does not block.
  void Stop();

 private:
  // What Run() runs. The loop refers to the other two, so it comes last, and is destroyed first.
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
