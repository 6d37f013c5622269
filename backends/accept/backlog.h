// The clients that had connected before a stop. From their side they are connected, and they may have sent a request
// already, so all of them are still accepted, and no others. The order of the steps matters:
//
//   1. the kernel refuses clients that try to connect from now on
//   2. all accept queues are emptied
//   3. clients amid a handshake may count as connected on their side: wait until it is through, or the grace is over
//   4. all queues are emptied once more, for the clients of step 3
//   5. sessions of UDP peers return no more datagrams; those that they have just returned are served
//   6. the listeners are shut down, which resets any client that is left, and closed
//
// A listener that stays open (Listener::stays_open()) is another server's from now on, and so are the clients that
// connect to it: steps 1, 3 and 6 are left out for it. Step 2 is not: the kernel wakes one waiter for a client
// (EPOLLEXCLUSIVE), and if that was a thread of this server, no thread of the other one knows of the client. So every
// waiter looks into the queues once more after its last wait.
//
// There are two classes, because two kinds of models take the steps differently:
//
//   Backlog       one thread or process that accepts for itself (loop, fork, thread, the event loops): all six
//   AcceptQueues  the steps of TCP, one by one. The workers of a pool do steps 1 and 2, all of them for all queues, and
//                 leave. Their pool accepts no client itself: it waits (3), starts workers again (4), and does step 6
//                 by shutting down alone, because other threads may be using the descriptors.
#ifndef POLYSERVE_BACKENDS_ACCEPT_BACKLOG_H_
#define POLYSERVE_BACKENDS_ACCEPT_BACKLOG_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "net/deadline.h"

namespace polyserve {

class UdpPeers;

// What Acceptor::TryAccept() does.
using TryAcceptFn = absl::FunctionRef<absl::StatusOr<Connection>(const Listener&)>;

// One attempt at a listener, without waiting. As TryAccept(), except that an empty queue of a full server is
// Unavailable: TryAccept() reports a full server (FailedPrecondition) before it looks into the queue.
absl::StatusOr<Connection> TryAcceptQueued(const Listener& listener, TryAcceptFn try_accept);

// The accept queues of several TCP listeners while the server stops. Each thread or process that looks at them has its
// own object; the listeners may be shared. Never blocks.
class AcceptQueues {
 public:
  // All must outlive it; a listener without a descriptor counts as empty. `ports` holds one listener of each port, any
  // of those that share it (SO_REUSEPORT). `backlog` is the one that they listen with. It says how many clients are
  // taken at most, which bounds the stop even if the kernel goes on to let clients in.
  AcceptQueues(std::vector<const Listener*> listeners, std::vector<const Listener*> ports, int backlog);

  // Step 1. Only the first call does something.
  void RefuseNewClients();

  // Steps 2 and 4: takes one client. Clients that have to be refused are passed over.
  //   Unavailable                            all queues are empty, or as many as they can hold were taken
  //   ResourceExhausted, FailedPrecondition  a client is there, but cannot be accepted yet; see Acceptor::TryAccept()
  absl::StatusOr<Connection> Next(TryAcceptFn try_accept);

  // Step 3: true while a handshake is half done, and the grace is not over. Once false, it stays false, and costs
  // nothing; look into the queues once more after that. A client that leaves its handshake half done gets no more time
  // than one that leaves its request half done.
  bool AwaitsHandshake();

  // Step 6 for listeners that others hold as well: shuts down those whose queue is empty, so that new clients are
  // refused at once. True if all are shut down, or stay open. Does not close them.
  bool ShutDownEmpty();

 private:
  std::vector<const Listener*> listeners_;  // Those that are not shut down, nor left to another server.
  const std::vector<const Listener*> ports_;
  int64_t left_;  // How many may still be taken.
  bool refuses_new_clients_ = false;
  bool handshakes_are_done_ = false;
};

// The clients of one acceptor: those in its listeners' queues, and the UDP peers that it accepts. One thread.
class Backlog {
 public:
  // Both must outlive it.
  Backlog(ServerContext& context, UdpPeers& udp_peers);

  // Takes one of those clients, without waiting; the first call begins with step 1.
  //   ResourceExhausted, FailedPrecondition  a client may be left: a descriptor or a place in a full server is missing
  //                                          for now, or a handshake is not through; call again a little later
  //   Cancelled                              no client is left, and the listeners are closed
  absl::StatusOr<Connection> Next(TryAcceptFn try_accept);

 private:
  void Begin();
  absl::StatusOr<Connection> NextClient(TryAcceptFn try_accept);
  bool AwaitsEnd(const Listener& listener) const;
  void CloseListeners();

  ServerContext& context_;
  UdpPeers& udp_peers_;
  int64_t peers_left_;                  // How many UDP peers are still taken, at most.
  std::optional<AcceptQueues> queues_;  // Set by step 1.
  std::optional<Deadline> ends_wait_;   // Likewise.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_BACKLOG_H_
