// UdpPeers: the peers that send datagrams and are accepted as clients: each gets a socket of its own. Holds a
// UdpAcceptor (udp_acceptor.h) for each listener whose peers are accepted here, counts the peers in, and refuses those
// that may not be answered at all (net/udp_sources.h). Part of an Acceptor; one thread; never blocks.
//
//   datagram ─▶ UdpAcceptor::TryAccept() ─▶ Admission::Enter() ─┬▶ a Connection, with a channel to its UdpAcceptor
//                                                               └▶ full: refused, and one that may be forged is
//                                                                  asked to leave
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
  kNone,      // None: another thread or process reads the datagrams.
  kOwnPorts,  // Those of services that answer each peer from a port of its own, which takes a socket.
  kAll,
};

class UdpPeers {
 public:
  // Opens what it takes to accept these peers: an epoll for each listener. The context must outlive it, and its
  // listeners must stay where they are. ResourceExhausted: no descriptor is left.
  static absl::StatusOr<UdpPeers> Open(ServerContext& context, AcceptUdp which);
  // Accepts no peers.
  explicit UdpPeers(ServerContext& context);
  UdpPeers(UdpPeers&& other) noexcept;
  ~UdpPeers();

  AcceptUdp which() const { return which_; }
  // True if the peers of this listener are accepted here.
  bool Accepts(const Listener& listener) const { return Of(listener) != nullptr; }

  // One attempt, without waiting, at a listener for which Accepts() is true. The new peer's socket is blocking. A peer
  // cannot wait in a queue as a connection does, because its datagram has been read: it is served now, or refused.
  //   Unavailable        no new peer is there
  //   Aborted            a peer was refused: the server is full, or there are too many peers
  //   ResourceExhausted  a peer was refused because no descriptor is left: pause
  absl::StatusOr<Connection> TryAccept(const Listener& listener, Admission& admission);

  // The descriptor to wait for on behalf of any listener, of connections too: readable when a client or a peer is
  // there.
  int wait_fd(const Listener& listener) const;
  // True if peers are there although wait_fd() does not show it: their datagrams have been read already.
  bool has_pending(const Listener& listener) const;
  // True while the conversation of a peer is ending, after which the same peer may come as a new one.
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
