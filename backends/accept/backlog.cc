#include "backends/accept/backlog.h"

#include <sys/socket.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backends/accept/no_client.h"
#include "backends/accept/udp_peers.h"
#include "net/half_open.h"
#include "net/signals.h"
#include "net/socket.h"

namespace polyserve {

namespace {

// How long to wait for a UDP peer whose conversation is ending, and which may come back as a new peer, with datagrams
// that the session returns. Such a conversation waits for nothing but its session.
constexpr absl::Duration kLongestEnd = absl::Seconds(1);

// The most UDP peers that are still taken. Nothing refuses datagrams while the stop lasts, so without a bound a busy
// port could put it off for ever.
constexpr int kMostPeersAtTheEnd = 4096;

// Takes one client, and passes over those that have to be refused. Both kinds use up `left`. Unavailable: no client is
// there, or none may be taken any more.
absl::StatusOr<Connection> NextAt(const Listener& listener, TryAcceptFn try_accept, int64_t& left) {
  while (listener.fd.ok() && left > 0) {
    absl::StatusOr<Connection> connection = TryAcceptQueued(listener, try_accept);
    const bool is_refused = absl::IsAborted(connection.status());
    // Refused clients count as well, or a crowd of them could go on for ever.
    if (connection.ok() || is_refused) --left;
    if (!is_refused) return connection;
  }
  return absl::UnavailableError("nobody is left");
}

// A listener that another thread or process has shut down may be readable, too, and would never become empty.
// SO_ACCEPTCONN tells whether a socket still listens (socket(7)).
bool HasClients(int fd) {
  int listens = 0;
  socklen_t size = sizeof(listens);
  return IsReadable(fd) && ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

}  // namespace

// The queue is looked at after the attempt: a client that comes in between is reported as one that waits for a place.
absl::StatusOr<Connection> TryAcceptQueued(const Listener& listener, TryAcceptFn try_accept) {
  absl::StatusOr<Connection> connection = try_accept(listener);
  if (!absl::IsFailedPrecondition(connection.status()) || IsReadable(listener.fd.get())) return connection;
  return NoClient();
}

// Linux queues one client more than the backlog (it compares with "greater than"), and as many may be amid their
// handshakes.
AcceptQueues::AcceptQueues(std::vector<const Listener*> listeners, std::vector<const Listener*> ports, int backlog)
    : listeners_(std::move(listeners)),
      ports_(std::move(ports)),
      left_(static_cast<int64_t>(listeners_.size()) * 2 * (backlog + 1)) {}

void AcceptQueues::RefuseNewClients() {
  if (refuses_new_clients_) return;
  refuses_new_clients_ = true;
  for (const Listener* listener : listeners_) listener->RefuseNewClients();
}

// A queue that stays open fills again, with another server's clients, so it is left alone once it was empty. A worker
// that serves what it takes may get to the next one late: that one has its grace, too.
absl::StatusOr<Connection> AcceptQueues::Next(TryAcceptFn try_accept) {
  for (auto next = listeners_.begin(); next != listeners_.end();) {
    const Listener& listener = **next;
    absl::StatusOr<Connection> connection = NextAt(listener, try_accept, left_);
    if (connection.ok() && listener.stays_open()) Signals::RenewGrace();
    if (!absl::IsUnavailable(connection.status())) return connection;
    next = listener.stays_open() ? listeners_.erase(next) : next + 1;
  }
  return absl::UnavailableError("nobody is left");
}

bool AcceptQueues::AwaitsHandshake() {
  if (handshakes_are_done_) return false;
  handshakes_are_done_ = Signals::grace_over() || std::none_of(ports_.begin(), ports_.end(), [](const Listener* port) {
                           return port->fd.ok() && !port->stays_open() && HasHalfOpenConnections(port->fd.get());
                         });
  return !handshakes_are_done_;
}

bool AcceptQueues::ShutDownEmpty() {
  std::erase_if(listeners_, [](const Listener* listener) {
    if (listener->stays_open()) return true;
    if (HasClients(listener->fd.get())) return false;
    // Acts on the socket itself, whichever processes hold it: it stops listening. The descriptor stays open for threads
    // that may be about to use it.
    ::shutdown(listener->fd.get(), SHUT_RDWR);
    return true;
  });
  return listeners_.empty();
}

Backlog::Backlog(ServerContext& context, UdpPeers& udp_peers)
    : context_(context), udp_peers_(udp_peers), peers_left_(kMostPeersAtTheEnd) {}

// May be called again after each of its errors but Cancelled, and then starts from the first queue: a client can be in
// any of them until the handshakes are done.
absl::StatusOr<Connection> Backlog::Next(TryAcceptFn try_accept) {
  if (!queues_.has_value()) Begin();
  absl::StatusOr<Connection> connection = NextClient(try_accept);
  if (!absl::IsUnavailable(connection.status())) return connection;
  if (queues_->AwaitsHandshake()) return absl::ResourceExhaustedError("a client is just connecting");
  // Clients whose handshakes have ended meanwhile are in the queues now.
  connection = NextClient(try_accept);
  if (!absl::IsUnavailable(connection.status())) return connection;
  if (udp_peers_.EndReturns()) {
    connection = NextClient(try_accept);
    if (!absl::IsUnavailable(connection.status())) return connection;
  }
  CloseListeners();
  return absl::CancelledError("the server stops");
}

// Not in the constructor: until the stop a listener may be closed, as in a forked child.
void Backlog::Begin() {
  ends_wait_.emplace(kLongestEnd);
  std::vector<const Listener*> listeners;
  for (const Listener& listener : context_.listeners) {
    if (!listener.has_datagrams() && listener.fd.ok()) listeners.push_back(&listener);
  }
  queues_.emplace(listeners, listeners, context_.listen.backlog);
  queues_->RefuseNewClients();
}

// One of the clients that can be seen now, connections first. Unavailable: none.
absl::StatusOr<Connection> Backlog::NextClient(TryAcceptFn try_accept) {
  absl::StatusOr<Connection> connection = queues_->Next(try_accept);
  if (!absl::IsUnavailable(connection.status())) return connection;
  for (const Listener& listener : context_.listeners) {
    if (!udp_peers_.Accepts(listener)) continue;
    connection = NextAt(listener, try_accept, peers_left_);
    if (!absl::IsUnavailable(connection.status())) return connection;
    if (AwaitsEnd(listener)) return absl::ResourceExhaustedError("a peer may be there again soon");
  }
  return absl::UnavailableError("nobody is left");
}

// True while a UDP peer may come back as a new one: its session is ending, and returns what it has not looked at.
bool Backlog::AwaitsEnd(const Listener& listener) const {
  return peers_left_ > 0 && udp_peers_.awaits_end(listener) && !ends_wait_->passed();
}

void Backlog::CloseListeners() {
  context_.await_handing_on();
  for (Listener& listener : context_.listeners) {
    if (listener.has_datagrams() && udp_peers_.which() == AcceptUdp::kNone) continue;
    // Clients must be refused at once, even if another process of this server holds the listener as well: close(2)
    // alone would leave it open there.
    if (!listener.has_datagrams() && !listener.stays_open()) ::shutdown(listener.fd.get(), SHUT_RDWR);
    listener.fd.reset();
    udp_peers_.Close(listener);
  }
}

}  // namespace polyserve
