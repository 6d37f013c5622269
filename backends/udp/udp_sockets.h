// UdpSockets: all datagrams of a server, for a model without an event loop, which looks at every socket in turn
// (nonblock, and the iterative ones between two clients). Both kinds of peers: those of UdpSocket, by their address,
// and ConnectedUdpPeers. It brings the timers, the wake list and the clock that an event loop would have. One thread.
//
//   Create() ─▶ Serve(), Serve(), ... ──the server stops──▶ Drain() ─▶ Serve() until empty()
#ifndef POLYSERVE_BACKENDS_UDP_UDP_SOCKETS_H_
#define POLYSERVE_BACKENDS_UDP_UDP_SOCKETS_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backends/accept/acceptor.h"
#include "backends/accept/server_context.h"
#include "backends/connection/timers.h"
#include "backends/udp/connected_peers.h"
#include "backends/udp/udp_socket.h"
#include "net/deadline.h"
#include "net/wake_list.h"

namespace polyserve {

// Both kinds share the timers and the clock, so one look at each serves all peers of the server.
class UdpSockets {
 public:
  // To be called by the thread that will serve them: mail that is left by this thread itself then needs no wake-up. The
  // context must outlive it. Fails if the process has no descriptors left.
  static absl::StatusOr<std::unique_ptr<UdpSockets>> Create(ServerContext& context);

  // Takes over a peer that was accepted, since it is to be answered from a port of its own; see ConnectedUdpPeers.
  void Start(Connection peer) { peers_->Start(std::move(peer)); }

  // Gives each socket its turn, and looks at the clock once, for the timers. Never blocks. False: nothing has moved, so
  // there is nothing to do before something comes.
  bool Serve();
  // Serves datagrams until a client connects, and returns the client. Waits at the acceptor, which answers the signals.
  // Cancelled: the server stops, and all clients that had connected before have been returned. For a model that has
  // nothing else to wait for.
  absl::StatusOr<Connection> ServeUntilConnection(Acceptor& acceptor);
  // The server stops: see UdpSocket::Drain() and ConnectedUdpPeers::OnStop(). To be called as soon as
  // Signals::stopping(), before the acceptor's backlog is at its end, which closes the listeners. Peers that are not
  // done yet still need their turns: go on calling Serve() until empty().
  void Drain();
  bool empty() const { return ports_.empty() && peers_->empty(); }

 private:
  UdpSockets(ServerContext& context, std::unique_ptr<WakeList> wakes);

  // How long nothing has to be done unless something comes; infinite if no peer is remembered.
  absl::Duration UntilNextLook() const;

  // Declared first and so destroyed last: the mailboxes of sessions are entered in it.
  const std::unique_ptr<WakeList> wakes_;  // Of sessions that have mail.
  const absl::Duration tick_length_;
  Timers timers_;
  std::vector<std::unique_ptr<UdpSocket>> ports_;
  std::unique_ptr<ConnectedUdpPeers> peers_;
  Deadline tick_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_UDP_SOCKETS_H_
