// ConnectedUdpPeers: the peers of one thread that have a socket each, because they are answered from a port of their
// own (TFTP; RFC 1350, section 4, has each side choose its port for the transfer). The model's loop sees all of them as
// one descriptor. So with these services select, poll and the others differ only in how they wait for the set; within
// it epoll(7) does the waiting. One thread; it never blocks.
//
//   socket, misdelivered, strays  ─┐
//   socket, misdelivered, strays  ─┼▶ epoll: wait_fd() ─▶ the loop's wait ─▶ Serve() ─▶ each peer that is ready, for
//   ...                           ─┘                                                   its turn
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

// A peer costs four descriptors, its socket, the one for strays, and both ends of its channel (the other end is the UDP
// acceptor's), and three registrations here. A silent one costs no system call.
class ConnectedUdpPeers {
 public:
  // Both must outlive it. The timers are for sessions that ask for the time; the caller rings them. Takes one
  // descriptor, and fails if none is left.
  static absl::StatusOr<std::unique_ptr<ConnectedUdpPeers>> Create(ServerContext& context, Timers& timers);

  // Takes over a peer that was accepted and counted; its socket is non-blocking. Answers at once what the peer has sent
  // so far. If the system cannot watch one more, the peer is dropped, with a warning. The number of peers is bounded by
  // the UDP acceptor (UdpAcceptor::kMaxPeers).
  void Start(Connection peer);

  // Readable when Serve() has something to do. Level-triggered: it stays readable until all was read.
  int wait_fd() const { return epoll_.get(); }
  // Answers what has come, for a turn: kPeersPerTurn peers, kDatagramsPerTurn of each. Returns whether anything had.
  bool Serve();

  // To be called kTicksPerTimeout times per idle time-out (net/coarse_clock.h): ends the peers that were silent for
  // that time. What they send to the listener later begins a new conversation.
  void OnTick();
  // The server stops: ends the peers that are between two requests, and each of the others as soon as it is. Go on
  // calling Serve() until empty().
  void OnStop();

  // No peer is left. Once that is so after OnStop(), the caller may end.
  bool empty() const { return peers_.empty(); }

 private:
  struct Peer;
  using Peers = std::list<Peer>;
  // Destroying one closes its descriptors, cancels its timer, and counts its end.
  struct Peer {
    Peer(Connection connection, Counters& counters, ConnectionLimit* connection_limit)
        : conversation(std::move(connection), counters, connection_limit) {}
    PeerConversation conversation;
    uint32_t last_moved = 0;  // In ticks.
    bool is_over = false;     // In over_, and freed once no event of the last wait points to it any more.
    bool awaits_writable = false;
    std::unique_ptr<Timer> wake;  // Null if it has never needed one.
    Peers::iterator self;         // Its own place, for End().
  };

  ConnectedUdpPeers(ServerContext& context, Timers& timers, UniqueFd epoll)
      : counters_(context.statistics.counters()),
        connection_limit_(context.connection_limit.get()),
        timers_(timers),
        epoll_(std::move(epoll)) {}

  // Registers its descriptors, for reading. After a failure nothing has to be undone but the peer itself.
  absl::Status Watch(Peer& peer);
  // A peer goes on by input, by room in its socket, or by its timer. Settle() follows each time: it arranges for what
  // the peer waits for next, or ends it. While a reply is unsent that is room alone.
  void OnReadable(Peer& peer);
  void TellTime(Peer& peer);
  void Settle(Peer& peer);
  // A peer that ends may still be among the events that Serve() walks through, so it is only moved to over_, and freed
  // when the walk is done.
  void End(Peer& peer);
  void FreeThoseOver();

  Counters& counters_;
  ConnectionLimit* const connection_limit_;
  Timers& timers_;
  const UniqueFd epoll_;  // Holds the socket and the channel of each peer, both with a pointer to the Peer.
  uint32_t ticks_ = 0;    // The coarse clock.
  bool stopping_ = false;
  // Lists, because epoll and the timers hold pointers to their elements.
  Peers peers_;
  Peers over_;
  char buffer_[kMaxDatagramBytes];  // One for all: a datagram is answered, or dropped, before the next one is read.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_CONNECTED_PEERS_H_
