// Acceptor: takes clients off the listeners, the same way under every model. It combines parts that have one job each:
//
//   TcpAcceptor   accepts one connection, and outlives shortages of descriptors
//   UdpPeers      accepts one peer that sends datagrams
//   Admission     counts clients in, up to --max_connections
//   ListenerWait  waits for the next client, and answers signals
//   Backlog       takes the clients that had connected before the server was told to stop
//
// A model that waits for nothing but clients calls Next(). An event loop waits by itself, calls TryAccept(), and once
// the server stops NextOfBacklog():
//
//   while (true) {                                              wait for wait_fd() of each listener, and capacity_fd()
//     absl::StatusOr<Connection> client = acceptor->Next();       readable: TryAccept(listener)
//     if (!client.ok()) return absl::OkStatus();  // A stop.      stop:     NextOfBacklog() until Cancelled
//     ...
//
// Each thread or process that accepts has its own, and no other thread calls it.
#ifndef POLYSERVE_BACKENDS_ACCEPT_ACCEPTOR_H_
#define POLYSERVE_BACKENDS_ACCEPT_ACCEPTOR_H_

#include <climits>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/admission.h"
#include "backends/accept/backlog.h"
#include "backends/accept/listener_wait.h"
#include "backends/accept/server_context.h"
#include "backends/accept/tcp_acceptor.h"
#include "backends/accept/udp_peers.h"

namespace polyserve {

class Inbox;

class Acceptor {
 public:
  using Awaited = ListenerWait::Awaited;

  struct Options {
    bool non_blocking = false;         // Whether to make connections so. Event loops need that.
    int max_descriptor = INT_MAX;      // A connection with a higher descriptor is refused: select(2) has a limit.
    AcceptUdp udp = AcceptUdp::kNone;  // Which peers that send datagrams are accepted.
  };

  // Opens what accepting takes; for Backend::Prepare(). The context must outlive it. ResourceExhausted: no descriptor
  // is left.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Create(ServerContext& context, const Options& options);
  // For connections alone, without UDP: needs nothing that could be missing, so it cannot fail.
  Acceptor(ServerContext& context, const Options& options) : Acceptor(context, options, UdpPeers(context)) {}

  // One attempt, without waiting. Clients that left before they were accepted are passed over. Call it for a listener
  // of datagrams only if its peers are accepted (Options::udp). The client is counted as accepted: count its end, too
  // (CountEnd(), or Refuse()).
  //   Unavailable         no client is there
  //   Aborted             the client had to be refused; there may be more
  //   ResourceExhausted   no client can be accepted for now (no descriptor is left, or the system refuses): pause
  //   FailedPrecondition  the server is full; try again when capacity_fd() is readable
  absl::StatusOr<Connection> TryAccept(const Listener& listener);

  // The same for a client that another thread has accepted and dealt out to this loop; never FailedPrecondition.
  // Cancelled: no more will come.
  absl::StatusOr<Connection> TryTake(Inbox& inbox);

  // Readable when a full server may have a place again, until TakeCapacityEvent(). Opened by TryAccept() when there is
  // a limit to wait for; -1 before that.
  int capacity_fd() const { return admission_.capacity_fd(); }
  void TakeCapacityEvent() { admission_.TakeCapacityEvent(); }

  // The descriptor to wait for on behalf of a listener: readable when TryAccept() has something to do, or, if its peers
  // are not accepted here, when datagrams have come for another reader. Stays the same until the listener is closed.
  int wait_fd(const Listener& listener) const { return udp_peers_.wait_fd(listener); }
  // True if UDP peers are there although wait_fd() does not show it: their datagrams have been read already.
  bool has_pending(const Listener& listener) const { return udp_peers_.has_pending(listener); }

  // Waits for the next client on any listener, and answers signals meanwhile. Blocks; waits out shortages and a full
  // server. Cancelled, the only error: the server stops, and all clients that had connected before have been returned.
  absl::StatusOr<Connection> Next();

  // The two halves of Next(), for models that wait for more than clients; see ListenerWait. Wait() comes first.
  void Wait(const Awaited& awaited) { wait_.Wait(awaited); }
  absl::StatusOr<Connection> TakeSeen();

  // Takes one of the clients that had connected before the stop, without waiting; from the first call on, no more can
  // connect. See Backlog::Next() for the errors. After Cancelled, the listeners that it accepts from are closed.
  absl::StatusOr<Connection> NextOfBacklog();

  // Closes a client that cannot be served after all (no process, no thread is left for it), counts it as refused, and
  // logs why. Wait() then looks for no clients for kShortagePause.
  void Refuse(Connection connection, const absl::Status& why);

  // In a forked child that serves one client: closes the context's listeners and what watches them. Otherwise the child
  // would hold the ports after its parent has ended. Only the destructor may be called after that.
  void CloseInChild();

 private:
  Acceptor(ServerContext& context, const Options& options, UdpPeers udp_peers);

  absl::StatusOr<Connection> TryAcceptPeer(const Listener& listener);
  absl::StatusOr<Connection> Admit(Connection connection, bool is_counted);

  ServerContext& context_;
  const Options options_;
  TcpAcceptor tcp_;
  UdpPeers udp_peers_;
  Admission admission_;
  ListenerWait wait_;
  Backlog backlog_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_ACCEPTOR_H_
