// Backlog: the clients that had connected before the stop. They may have sent a request already, so they are still
// served; nobody else is accepted. Takes them one at a time, in steps whose order matters:
//
//   1. the kernel refuses whoever tries to connect from now on
//   2. all queues are emptied
//   3. whoever is amid a handshake believes to be connected: waits until that is through, or the grace is over
//   4. all queues are emptied once more
//   5. sessions of UDP peers return no more datagrams; those that they have just returned are served
//   6. the listeners are closed
//
// One for each acceptor; one thread.
#ifndef POLYSERVE_BACKENDS_ACCEPT_BACKLOG_H_
#define POLYSERVE_BACKENDS_ACCEPT_BACKLOG_H_

#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "backends/accept/udp_peers.h"
#include "net/deadline.h"

namespace polyserve {

class Backlog {
 public:
  // What Acceptor::TryAccept() does.
  using TryAccept = absl::FunctionRef<absl::StatusOr<Connection>(const Listener&)>;

  // Both must outlive it.
  Backlog(ServerContext& context, UdpPeers& udp_peers);

  // The next of those clients, without waiting; the first call begins with step 1.
  //   ResourceExhausted, FailedPrecondition  somebody may be left: no descriptor, or no place in a full server, is
  //                                          there for now, or a handshake is not through; call again a little later
  //   Cancelled                              nobody is left, and the listeners are closed
  absl::StatusOr<Connection> Next(TryAccept try_accept);

 private:
  void Begin();
  absl::StatusOr<Connection> NextInQueues(TryAccept try_accept);
  bool AwaitsHandshake() const;
  bool AwaitsEnd(const Listener& listener) const;
  void CloseListeners();

  ServerContext& context_;
  UdpPeers& udp_peers_;
  int left_;                           // How many are still taken, at most: as many as a queue may hold.
  bool handshakes_are_done_ = false;   // Step 3 is over.
  std::optional<Deadline> ends_wait_;  // Set by step 1.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_BACKLOG_H_
