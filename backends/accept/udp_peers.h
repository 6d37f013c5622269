// UdpPeers: the peers that send datagrams and are accepted as clients are: each gets a socket of its own. Holds a
// UdpAcceptor for each listener whose peers are accepted here, and counts the peers in. One for each acceptor; one
// thread.
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

// Whose peers are accepted.
enum class AcceptUdp {
  kNone,      // Nobody's: what comes to these listeners is for others to read.
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
  //   Unavailable        nobody new is there
  //   Aborted            a peer had to be refused
  //   ResourceExhausted  one had, since no descriptor is left: pause
  absl::StatusOr<Connection> TryAccept(const Listener& listener, Admission& admission);

  // What to wait with for a listener, whatever comes to it: readable when a client or a peer is there.
  int wait_fd(const Listener& listener) const;
  // Peers are there although wait_fd() does not say so.
  bool has_pending(const Listener& listener) const;
  // The conversation of a peer is just ending, after which the peer may be there again.
  bool awaits_end(const Listener& listener) const;

  // To be called when nobody is there any more, and none of these listeners is to be kept. Returns whether somebody is
  // there again: then TryAccept() and this are to be called once more; see UdpAcceptor.
  bool EndReturns();

  // Accepts nobody at this listener any more; its descriptor is the caller's to close.
  void Close(const Listener& listener);

 private:
  UdpAcceptor* Of(const Listener& listener) const;

  ServerContext* context_;  // Never null; a pointer, so that it can be moved.
  AcceptUdp which_ = AcceptUdp::kNone;
  std::vector<std::unique_ptr<UdpAcceptor>> acceptors_;  // By listener, null where there is none; or empty.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_UDP_PEERS_H_
