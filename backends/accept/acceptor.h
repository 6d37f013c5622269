// Acceptor: takes clients off the listeners, the same way under every model, and outlives shortages.
//
// When no descriptor is left, accept() fails while the client stays in the queue, so that every wait ends at once and
// the loop would spin. Hence a spare descriptor: it is given up to accept the client and close it, which tells the
// client, and taken back; then the accepting pauses. (The trick is Marc Lehmann's, in the manual of libev: "The special
// problem of accept()ing when you can't".)
#ifndef POLYSERVE_BACKENDS_ACCEPT_ACCEPTOR_H_
#define POLYSERVE_BACKENDS_ACCEPT_ACCEPTOR_H_

#include <poll.h>

#include <climits>
#include <cstddef>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/accept/inbox.h"
#include "backends/accept/server_context.h"
#include "base/unique_fd.h"
#include "net/deadline.h"

namespace polyserve {

class Acceptor {
 public:
  // How long to accept nothing after a shortage.
  static constexpr absl::Duration kPause = absl::Milliseconds(100);

  // Who sends datagrams and is accepted, that is, gets a socket; see UdpAcceptor.
  enum class Peers {
    kNone,      // Nobody: what comes to these listeners is left to others.
    kOwnPorts,  // Those that are answered from a port of their own: a socket is what that takes.
    kAll,
  };

  struct Options {
    bool non_blocking = false;     // Of the connections.
    int max_descriptor = INT_MAX;  // A connection whose descriptor is above it is refused.
    Peers peers = Peers::kNone;
    bool accepts_connections = true;
  };

  // Opens what it takes to accept these peers, if that is not open yet. To be called before the server is ready: an
  // acceptor whose listeners were not opened takes no peers.
  static absl::Status OpenDesks(ServerContext& context, Peers peers);

  // The context must outlive it.
  Acceptor(ServerContext& context, Options options);

  // One attempt, without waiting. Unavailable: nobody is there. Aborted: the client had to be refused.
  // ResourceExhausted: no client can be accepted for now (no descriptor is left, or the system refuses); pause.
  // FailedPrecondition: the server is full; try again when capacity_fd() is readable.
  // Whoever left before being accepted is passed over. A listener of datagrams only where its peers are accepted.
  absl::StatusOr<Connection> TryAccept(const Listener& listener);

  // The same for a client that was accepted elsewhere and dealt out to us. Cancelled: no more will come.
  absl::StatusOr<Connection> TryTake(Inbox& inbox);

  // Readable when a full server may have a place again, until TakePlaceEvent(); -1 where it is never full.
  int capacity_fd() const { return places_.get(); }
  void TakePlaceEvent();

  // Waits for the next client on any listener, and answers the signals meanwhile. Cancelled: the server stops, and
  // those who had connected before have all been returned.
  absl::StatusOr<Connection> Next();

  // The two halves of Next(), for whoever waits for more than clients.
  struct Awaited {
    bool clients = true;
    int also = -1;  // A descriptor: the wait ends when it is readable.
    absl::Duration at_most = absl::InfiniteDuration();
  };
  // Waits for any of these, and for signals, which it answers. It may return before any has come. Unless peers are
  // Peers::kNone, datagrams end it at every listener that takes them, even if their peers are not accepted.
  void Wait(const Awaited& awaited);
  // One of those whom the last Wait() has seen. Unavailable: there is none, or none was left.
  absl::StatusOr<Connection> TakeSeen();

  // One of those who had connected before the stop, without waiting; from the first call on, no more can connect.
  // ResourceExhausted, FailedPrecondition: as TryAccept(); somebody may be left, so call it again. Cancelled, and the
  // listeners closed: nobody is left.
  absl::StatusOr<Connection> NextOfBacklog();

  // Says that a client was turned away after all (no process, no thread left for it), and pauses the accepting.
  void Refuse(Connection connection, const absl::Status& why);

 private:
  absl::StatusOr<Connection> TryAcceptPeer(const Listener& listener);
  absl::StatusOr<Connection> Accept(const Listener& listener);
  absl::StatusOr<Connection> TryAcceptNow(const Listener& listener);
  absl::Status PutOff(const Listener& listener, const absl::Status& why);
  absl::StatusOr<Connection> Admit(Connection connection, bool is_counted);
  Counters& CountersOf(const Listener& listener) const;
  bool Enter(const Listener& listener);
  void Withdraw(const Listener& listener);
  void TurnAwayWithSpare(const Listener& listener, const absl::Status& why);
  static void NoteRefused(const ServerContext& context, const Listener& listener, absl::string_view why);
  void LogShortage(absl::string_view why) const;
  static bool AcceptsPeers(const Listener& listener, Peers peers);
  bool Accepts(const Listener& listener) const;
  absl::StatusOr<Connection> NextInQueues();
  bool AwaitsHandshake() const;
  bool IsDrained(const Listener& listener) const;
  bool AwaitsEnd(const Listener& listener) const;
  void PrepareToWait();
  bool NotePending();

  ServerContext& context_;
  const Options options_;
  UniqueFd spare_;
  const bool needs_place_;  // Before it accepts; see backends/accept/connection_limit.h.
  UniqueFd places_;         // An epoll that awaits edges of the connection limit's descriptor.
  bool awaits_place_ = false;
  // First the signals, then the one awaited also, then a place, then the listeners in their order.
  std::vector<pollfd> waits_;
  size_t turn_ = 0;   // The listener that is looked at first, so that a busy one does not starve the others.
  int backlog_left_;  // How many are still taken once the server stops.
  bool is_draining_ = false;
  bool handshakes_are_done_ = false;   // While it drains: nobody is just connecting.
  std::optional<Deadline> ends_wait_;  // Set while it drains.
  std::optional<Deadline> pause_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_ACCEPTOR_H_
