// UdpSockets: all ports of datagrams of a server, for a model that has no events to be told by: it looks at each of
// them whenever it comes round. So it does at those peers that have a port of their own.
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

class UdpSockets {
 public:
  // In the thread that will serve them. The context must outlive it.
  static absl::StatusOr<std::unique_ptr<UdpSockets>> Create(ServerContext& context);

  // Serves a peer that was accepted, since it is to be answered from a port of its own; see ConnectedUdpPeers.
  void Start(Connection peer) { peers_->Start(std::move(peer)); }

  // Gives each its turn, and looks at the clock. Returns whether anything has moved.
  bool Serve();
  // Serves datagrams until a client connects, and returns the client. Waits at the acceptor, which answers the signals.
  // Cancelled: the server stops, and those who had connected before have all been returned. For a model that has
  // nothing else to wait for.
  absl::StatusOr<Connection> ServeUntilConnection(Acceptor& acceptor);
  // The server stops: see UdpSocket::Drain() and ConnectedUdpPeers::OnStop(). Those who are not done yet still need
  // their turns.
  void Drain();
  bool empty() const { return ports_.empty() && peers_->empty(); }

 private:
  UdpSockets(ServerContext& context, std::unique_ptr<WakeList> wakes);

  absl::Duration UntilNextLook() const;

  const std::unique_ptr<WakeList> wakes_;  // Of sessions that have mail.
  const absl::Duration tick_length_;
  Timers timers_;
  std::vector<std::unique_ptr<UdpSocket>> ports_;
  std::unique_ptr<ConnectedUdpPeers> peers_;
  Deadline tick_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_UDP_SOCKETS_H_
