// ConnectedUdpPeers: the peers that have a socket of their own where one thread serves everybody: those that are
// answered from a port of their own (TFTP). The model's loop sees all of them as one descriptor. So with these services
// select, poll and the others differ only in how they wait for the set; within it epoll(7) does the waiting. One
// thread; it never blocks.
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
  // Both must outlive it. The timers are for sessions that ask for the time, and to be rung by the caller.
  static absl::StatusOr<std::unique_ptr<ConnectedUdpPeers>> Create(ServerContext& context, Timers& timers);

  // Serves a peer that was accepted; its socket is non-blocking.
  void Start(Connection peer);

  // Readable when Serve() has something to do.
  int wait_fd() const { return epoll_.get(); }
  // Answers what has come, for a turn. Returns whether anything had.
  bool Serve();

  // To be called kTicksPerTimeout times per idle time-out (net/coarse_clock.h): ends those who were silent for so
  // long.
  void OnTick();
  // The server stops: ends those between two requests, and all others as soon as they are.
  void OnStop();

  bool empty() const { return peers_.empty(); }

 private:
  struct Peer;
  using Peers = std::list<Peer>;
  struct Peer {
    Peer(Connection connection, Counters& counters, ConnectionLimit* connection_limit)
        : conversation(std::move(connection), counters, connection_limit) {}
    PeerConversation conversation;
    uint32_t last_moved = 0;  // In ticks.
    bool is_over = false;     // To be freed when nobody can point to it any more.
    bool awaits_writable = false;
    std::unique_ptr<Timer> wake;  // Null where it has never needed one.
    Peers::iterator self;
  };

  ConnectedUdpPeers(ServerContext& context, Timers& timers, UniqueFd epoll)
      : counters_(context.statistics.counters()),
        connection_limit_(context.connection_limit.get()),
        timers_(timers),
        epoll_(std::move(epoll)) {}

  absl::Status Watch(Peer& peer);
  void OnReadable(Peer& peer);
  void TellTime(Peer& peer);
  void Settle(Peer& peer);
  void End(Peer& peer);
  void FreeThoseOver();

  Counters& counters_;
  ConnectionLimit* const connection_limit_;
  Timers& timers_;
  const UniqueFd epoll_;
  uint32_t ticks_ = 0;
  bool stopping_ = false;
  Peers peers_;
  Peers over_;
  char buffer_[kMaxDatagramBytes];
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_CONNECTED_PEERS_H_
