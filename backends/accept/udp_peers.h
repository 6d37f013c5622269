// UdpPeers: the peers that send datagrams and are accepted as clients are: each gets a socket of its own. Holds a
// UdpAcceptor (udp_acceptor.h) for each listener whose peers are accepted here, counts the peers in, and refuses those
// that may not be answered at all (net/udp_sources.h). One for each acceptor; one thread; never blocks.
#ifndef POLYSERVE_BACKENDS_ACCEPT_UDP_PEERS_H_
#define POLYSERVE_BACKENDS_ACCEPT_UDP_PEERS_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/accept/server_context.h"

namespace polyserve {

class Admission;
class UdpAcceptor;

// Which listeners' peers are accepted. A model with a process or thread for each client accepts all; one thread that
// serves all peers needs a socket only for services that answer from a port of their own (TFTP).
enum class AcceptUdp {
  kNone,      // No listener's: their datagrams are for another thread or process to read.
  kOwnPorts,  // Those that are answered from a port of their own: a socket is what that takes.
  kAll,
};

class UdpPeers {
 public:
  // Opens what it takes to accept these peers. The context must outlive it, and its listeners stay where they are.
  // ResourceExhausted: no descriptor is left.
  static absl::StatusOr<UdpPeers> Open(ServerContext& context, AcceptUdp which);
  // Accepts nobody.
  explicit UdpPeers(ServerContext& context);
  UdpPeers(UdpPeers&& other) noexcept;
  ~UdpPeers();

  AcceptUdp which() const { return which_; }
  // True if the peers of this listener are accepted here.
  bool Accepts(const Listener& listener) const { return Of(listener) != nullptr; }

  // One attempt, without waiting, at a listener of which Accepts() is true. The socket is blocking.
  //   Unavailable        no new peer is there
  //   Aborted            a peer was refused: the server is full, or there are too many peers
  //   ResourceExhausted  a peer was refused since no descriptor is left: pause
  absl::StatusOr<Connection> TryAccept(const Listener& listener, Admission& admission);

  // The descriptor to wait with for any listener, of connections too: readable when a client or a peer is there.
  int wait_fd(const Listener& listener) const;
  // Peers are there although wait_fd() does not say so.
  bool has_pending(const Listener& listener) const;
  // The conversation of a peer is just ending, after which the peer may be there again.
  bool awaits_end(const Listener& listener) const;

  // The last step of a stop: sessions can return no more datagrams. True if one has just done so: then call TryAccept()
  // until Unavailable, and this again; see UdpAcceptor::EndReturns().
  bool EndReturns();

  // Accepts no more peers at this listener. Its descriptor is the caller's to close, after this.
  void Close(const Listener& listener);

 private:
  UdpAcceptor* Of(const Listener& listener) const;

  ServerContext* context_;  // Never null; a pointer, so that it can be moved.
  AcceptUdp which_ = AcceptUdp::kNone;
  std::vector<std::unique_ptr<UdpAcceptor>> acceptors_;  // By listener, null if its peers are not accepted; or empty.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_UDP_PEERS_H_
