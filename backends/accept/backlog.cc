#include "backends/accept/backlog.h"

#include <sys/socket.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "net/half_open.h"
#include "net/signals.h"
#include "net/socket.h"

namespace polyserve {

namespace {

// A conversation over datagrams that ends has nothing more to wait for.
constexpr absl::Duration kLongestEnd = absl::Seconds(1);

// True of a listener whose clients are in a queue of the kernel.
bool HasQueue(const Listener& listener) { return listener.fd.ok() && !listener.has_datagrams(); }

}  // namespace

Backlog::Backlog(ServerContext& context, UdpPeers& udp_peers)
    : context_(context), udp_peers_(udp_peers), left_(context.listen.backlog) {}

absl::StatusOr<Connection> Backlog::Next(TryAccept try_accept) {
  if (!ends_wait_.has_value()) Begin();
  absl::StatusOr<Connection> connection = NextInQueues(try_accept);
  if (connection.ok() || !absl::IsUnavailable(connection.status())) return connection;
  if (!handshakes_are_done_) {
    if (AwaitsHandshake()) return absl::ResourceExhaustedError("a client is just connecting");
    handshakes_are_done_ = true;  // Those who have got through meanwhile are in the queue now.
    connection = NextInQueues(try_accept);
    if (connection.ok() || !absl::IsUnavailable(connection.status())) return connection;
  }
  if (udp_peers_.EndReturns()) {
    connection = NextInQueues(try_accept);
    if (connection.ok() || !absl::IsUnavailable(connection.status())) return connection;
  }
  CloseListeners();
  return absl::CancelledError("the server stops");
}

void Backlog::Begin() {
  ends_wait_.emplace(kLongestEnd);
  for (const Listener& listener : context_.listeners) {
    if (HasQueue(listener)) listener.RefuseNewClients();
  }
}

// Unavailable: all queues are empty, or as many have been taken as a queue may hold.
absl::StatusOr<Connection> Backlog::NextInQueues(TryAccept try_accept) {
  for (const Listener& listener : context_.listeners) {
    if (listener.has_datagrams() && !udp_peers_.Accepts(listener)) continue;
    while (listener.fd.ok() && left_ > 0) {
      absl::StatusOr<Connection> connection = try_accept(listener);
      const bool is_nobody = absl::IsFailedPrecondition(connection.status()) && !IsReadable(listener.fd.get());
      if (absl::IsUnavailable(connection.status()) || is_nobody) {
        if (AwaitsEnd(listener)) return absl::ResourceExhaustedError("a peer may be there again soon");
        break;
      }
      const bool is_refused = absl::IsAborted(connection.status());
      if (connection.ok() || is_refused) --left_;
      if (!is_refused) return connection;
    }
  }
  return absl::UnavailableError("nobody is left");
}

// Such a client may believe itself connected, and have sent a request. Somebody who leaves the handshake half done is
// waited for no longer than for a request.
bool Backlog::AwaitsHandshake() const {
  if (Signals::grace_over()) return false;
  return std::any_of(context_.listeners.begin(), context_.listeners.end(), [](const Listener& listener) {
    return HasQueue(listener) && HasHalfOpenConnections(listener.fd.get());
  });
}

bool Backlog::AwaitsEnd(const Listener& listener) const {
  return udp_peers_.awaits_end(listener) && !ends_wait_->passed();
}

void Backlog::CloseListeners() {
  for (Listener& listener : context_.listeners) {
    if (listener.has_datagrams() && udp_peers_.which() == AcceptUdp::kNone) continue;
    // Clients are to be told at once, also where others hold it as well.
    if (!listener.has_datagrams()) ::shutdown(listener.fd.get(), SHUT_RDWR);
    listener.fd.reset();
    udp_peers_.Close(listener);
  }
}

}  // namespace polyserve
