// ConnectedUdpPeers: the peers that have a socket of their own, if one thread serves all clients: those that are
// answered from a port of their own (TFTP). The model's loop sees all of them as one descriptor:
//
//   model's loop ──waits for──▶ wait_fd(), an epoll(7) ──holds──▶ each peer's socket, and its misdelivered datagrams
//
// So with these services select, poll and the others differ only in how they wait for the set; within it epoll does the
// waiting. A peer is read and answered when it is ready, kDatagramsPerTurn datagrams at most; while its socket takes no
// more, it is not read. One thread; it never blocks, except as PeerConversation::LetGo() does for some milliseconds.
#ifndef POLYSERVE_BACKENDS_UDP_CONNECTED_PEERS_H_
#define POLYSERVE_BACKENDS_UDP_CONNECTED_PEERS_H_

#include <cstdint>
#include <list>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backends/accept/connection_limit.h"
#include "backends/accept/server_context.h"
#include "backends/connection/timers.h"
#include "backends/udp/peer_conversation.h"
#include "base/unique_fd.h"
#include "net/datagram.h"

namespace polyserve {

class ConnectedUdpPeers {
 public:
  // Fails if the process has no descriptors left. Both must outlive it. The timers are for the sessions'; the loop has
  // to call their RingDue().
  static absl::StatusOr<std::unique_ptr<ConnectedUdpPeers>> Create(ServerContext& context, Timers& timers);

  // Takes over a peer that was accepted, and answers what it came with; its socket must be non-blocking. If the system
  // cannot watch one more, the peer is dropped with a warning.
  void Start(Connection peer);

  // Readable when Serve() has something to do.
  int wait_fd() const { return epoll_.get(); }
  // Serves up to kPeersPerTurn peers that are ready. False: none was.
  bool Serve();

  // To be called kTicksPerTimeout times per idle time-out (net/coarse_clock.h): ends the peers that have been silent
  // for that long.
  void OnTick();
  // The server stops: ends the peers between two requests at once, and each other one as soon as it is; go on calling
  // Serve() and OnTick() until empty().
  void OnStop();

  bool empty() const { return peers_.empty(); }

 private:
  struct Peer;
  using Peers = std::list<Peer>;
  struct Peer {
    Peer(Connection connection, Counters& counters, ConnectionLimit* connection_limit)
        : conversation(std::move(connection), counters, connection_limit) {}
    PeerConversation conversation;
    uint32_t last_moved = 0;       // In ticks.
    bool is_over = false;          // On over_, and freed once no event can point to it.
    uint32_t awaited = 0;          // The event of epoll(7) that its own socket is watched for.
    std::unique_ptr<Timer> timer;  // The session's; null if it has never set one.
    Peers::iterator self;
  };

  ConnectedUdpPeers(ServerContext& context, Timers& timers, UniqueFd epoll)
      : counters_(context.statistics.counters()),
        connection_limit_(context.connection_limit.get()),
        timers_(timers),
        epoll_(std::move(epoll)) {}

  absl::Status Watch(Peer& peer);
  void OnReady(Peer& peer);
  void OnTimer(Peer& peer);
  void TakeSteps(Peer& peer);
  void Await(Peer& peer, uint32_t event);
  void SetTimer(Peer& peer);
  void LetGo(Peer& peer);
  void End(Peer& peer);
  void FreeThoseOver();

  Counters& counters_;
  ConnectionLimit* const connection_limit_;
  Timers& timers_;
  const UniqueFd epoll_;
  uint32_t ticks_ = 0;
  bool stopping_ = false;
  Peers peers_;
  Peers over_;  // Ended during the current iteration.
  // For one datagram at a time, of any peer.
  char buffer_[kMaxDatagramBytes];
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_CONNECTED_PEERS_H_
