// UdpSockets: all ports of datagrams of a server, for a model that has no events to be told by: it looks at each of
// them whenever it comes round. So it does at those peers that have a port of their own.
#ifndef POLYSERVE_BACKENDS_UDP_UDP_SOCKETS_H_
#define POLYSERVE_BACKENDS_UDP_UDP_SOCKETS_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "backends/connection/timers.h"
#include "backends/udp/connected_peers.h"
#include "backends/udp/udp_socket.h"
#include "net/deadline.h"
#include "net/wake_list.h"

namespace polyserve {

class UdpSockets {
 public:
  // Both must outlive it. The list is for sessions that have mail; whoever waits should do so for that, too.
  static absl::StatusOr<std::unique_ptr<UdpSockets>> Create(ServerContext& context, WakeList& wakes);

  // Serves a peer that was accepted, since it is to be answered from a port of its own; see ConnectedUdpPeers.
  void Start(Connection peer) { peers_->Start(std::move(peer)); }

  // Gives each its turn, and looks at the clock. Returns whether anything has moved.
  bool Serve();
  // How long the next look may take to come, if nothing comes: for ever where nobody is remembered.
  absl::Duration UntilNextLook() const;
  // The server stops: see UdpSocket::Drain() and ConnectedUdpPeers::OnStop(). Those who are not done yet still need
  // their turns.
  void Drain();
  bool empty() const { return ports_.empty() && peers_->empty(); }

 private:
  UdpSockets(ServerContext& context, WakeList& wakes);

  WakeList& wakes_;
  const absl::Duration tick_length_;
  Timers timers_;
  std::vector<std::unique_ptr<UdpSocket>> ports_;
  std::unique_ptr<ConnectedUdpPeers> peers_;
  Deadline tick_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_UDP_SOCKETS_H_
