// TcpAcceptor: takes one connection at a time off a listener, and outlives shortages of descriptors. It does not count
// connections in (see Admission), only those that it has to turn away. Each object belongs to one thread, but the
// threads of a process take turns during a shortage: otherwise one would use up the descriptor that another has given
// up.
//
// When no descriptor is left, accept(2) fails while the client stays in the queue, so that every wait ends at once and
// the loop would spin. Hence a spare descriptor: it is given up to accept the client and close it, which tells the
// client, and taken back. Then accepting pauses. (The trick is Marc Lehmann's, in the manual of libev: "The special
// problem of accept()ing when you can't".)
#ifndef POLYSERVE_BACKENDS_ACCEPT_TCP_ACCEPTOR_H_
#define POLYSERVE_BACKENDS_ACCEPT_TCP_ACCEPTOR_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/accept/server_context.h"
#include "base/unique_fd.h"

namespace polyserve {

class TcpAcceptor {
 public:
  // `non_blocking`: whether to make connections non-blocking. The context must outlive it. Opens the spare descriptor;
  // if none is left, a later success opens it.
  TcpAcceptor(const ServerContext& context, bool non_blocking);

  // One attempt, without waiting. Connections that were reset before they were accepted are passed over.
  //   Unavailable        no client is there
  //   ResourceExhausted  no client can be accepted for now: either no descriptor is left, and the client was turned
  //                      away, or the system refuses to accept, and the client stays in the queue. Pause.
  absl::StatusOr<Connection> TryAccept(const Listener& listener);

  // Takes the spare descriptor back if a shortage has cost it. Call it after a success: the shortage seems to be over.
  void RestoreSpare();

  // Logs that no client can be accepted; every tenth call only.
  void LogShortage(absl::string_view why) const;

 private:
  absl::StatusOr<Connection> TryAcceptNow(const Listener& listener);
  absl::Status PutOff(const Listener& listener, const absl::Status& why);
  void TurnAwayWithSpare(const Listener& listener, const absl::Status& why);

  const ServerContext& context_;
  const bool non_blocking_;
  UniqueFd spare_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_TCP_ACCEPTOR_H_
