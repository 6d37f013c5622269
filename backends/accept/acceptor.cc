#include "backends/accept/acceptor.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "backends/accept/connection_limit.h"
#include "backends/accept/inbox.h"
#include "backends/accept/no_client.h"
#include "base/logging.h"
#include "net/shortage.h"
#include "net/signals.h"
#include "net/socket.h"
#include "net/statistics.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Create(ServerContext& context, const Options& options) {
  absl::StatusOr<UdpPeers> udp_peers = UdpPeers::Open(context, options.udp);
  if (!udp_peers.ok()) return udp_peers.status();
  return std::unique_ptr<Acceptor>(new Acceptor(context, options, *std::move(udp_peers)));
}

Acceptor::Acceptor(ServerContext& context, const Options& options, UdpPeers udp_peers)
    : context_(context),
      options_(options),
      tcp_(context, options.non_blocking),
      udp_peers_(std::move(udp_peers)),
      admission_(context),
      wait_(context, udp_peers_, admission_),
      backlog_(context, udp_peers_) {}

absl::StatusOr<Connection> Acceptor::TryAccept(const Listener& listener) {
  if (listener.has_datagrams()) return TryAcceptPeer(listener);
  // With --overload=wait the place comes first: a client that is accepted before there is a place could not go back to
  // the queue.
  if (absl::Status status = admission_.Reserve(listener); !status.ok()) return status;
  absl::StatusOr<Connection> connection = tcp_.TryAccept(listener);
  if (connection.ok()) return Admit(*std::move(connection), admission_.reserves());
  // No client came: gives the place back, which wakes an acceptor that has found the server full meanwhile.
  if (admission_.reserves()) admission_.Withdraw(listener);
  return connection;
}

// The socket of a UDP peer is made blocking, since in most models a process or thread waits in it.
absl::StatusOr<Connection> Acceptor::TryAcceptPeer(const Listener& listener) {
  absl::StatusOr<Connection> peer = udp_peers_.TryAccept(listener, admission_);
  if (peer.ok() && options_.non_blocking) SetNonBlocking(peer->fd.get(), true).IgnoreError();
  return peer;
}

// The client was counted in when it was accepted. One whose descriptor could not be received is lost: the kernel has
// closed it, and the number of its listener went with it, so its end is counted under no service.
absl::StatusOr<Connection> Acceptor::TryTake(Inbox& inbox) {
  absl::StatusOr<Connection> connection = inbox.Take();
  if (connection.ok()) return Admit(*std::move(connection), true);
  if (absl::IsResourceExhausted(connection.status())) {
    Counters& counters = context_.statistics.counters();
    Counters::Add(counters.refused, 1);
    CountEnd(counters, context_.connection_limit.get());
    tcp_.LogShortage(std::strerror(EMFILE));
  }
  return connection.status();
}

// Counts a client in, unless it counts already (`is_counted`). Aborted, and the client is closed: the model cannot
// watch its descriptor, or the server is full.
absl::StatusOr<Connection> Acceptor::Admit(Connection connection, bool is_counted) {
  const Listener& listener = *connection.listener;
  tcp_.RestoreSpare();  // This client has a descriptor, so a shortage seems to be over.
  // The kernel gives out the lowest free number (open(2)), so no smaller one was to be had.
  if (connection.fd.get() > options_.max_descriptor) {
    if (is_counted) admission_.Withdraw(listener);
    admission_.CountRefused(listener);
    LOG_FLOOD(WARNING) << "refused a connection: its descriptor " << connection.fd.get() << " is above "
                       << options_.max_descriptor
                       << ", the most this model can watch (refused so far: " << context_.statistics.Total().refused
                       << ")";
    return absl::AbortedError("the client was refused");  // An event loop gives the others a turn.
  }
  if (!is_counted && !admission_.Enter(listener)) {
    admission_.CountRefused(listener);
    LOG_FLOOD(WARNING) << "refused a connection: there are as many as --max_connections="
                       << context_.connection_limit->most()
                       << " allows (refused so far: " << context_.statistics.Total().refused << ")";
    return absl::AbortedError("the client was refused");
  }
  return connection;
}

absl::StatusOr<Connection> Acceptor::Next() {
  while (true) {
    // Asked once: the signal may come at any moment, and all branches of a round have to agree.
    const bool stops = Signals::stopping();
    if (!stops) Wait({});
    absl::StatusOr<Connection> connection = NoClient();
    if (!stops) connection = TakeSeen();
    if (stops && !wait_.pauses()) connection = NextOfBacklog();
    if (connection.ok() || absl::IsCancelled(connection.status())) return connection;
    // The next client of the backlog waits for a place, for the end of a shortage, or for the end of its handshake.
    if (stops) Wait({.clients = false, .at_most = kShortagePause});
  }
}

absl::StatusOr<Connection> Acceptor::TakeSeen() {
  return wait_.TakeSeen([this](const Listener& listener) { return TryAccept(listener); });
}

absl::StatusOr<Connection> Acceptor::NextOfBacklog() {
  return backlog_.Next([this](const Listener& listener) { return TryAccept(listener); });
}

void Acceptor::Refuse(Connection connection, const absl::Status& why) {
  admission_.Withdraw(*connection.listener);
  admission_.CountRefused(*connection.listener);
  LOG_FLOOD(WARNING) << "refused a connection: " << why.message() << "; pausing for " << kShortagePause
                     << " (refused so far: " << context_.statistics.Total().refused << ")";
  // Before the pause: the client learns at once, and its descriptor may be the one that was missing.
  connection.fd.reset();
  wait_.Pause();
}

void Acceptor::CloseInChild() {
  for (Listener& listener : context_.listeners) {
    udp_peers_.Close(listener);
    listener.fd.reset();
  }
}

}  // namespace polyserve
