#include "backends/accept/udp_peers.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/accept/admission.h"
#include "backends/accept/udp_acceptor.h"
#include "base/logging.h"
#include "net/datagram.h"
#include "net/statistics.h"
#include "net/udp_sources.h"

namespace polyserve {

namespace {

void NoteRefused(const ServerContext& context, const Listener& listener, absl::string_view why) {
  Counters::Add(OfService(context.statistics.counters(), listener.number).refused, 1);
  LOG_FLOOD(WARNING) << "refused a peer of " << listener.service << ": " << why
                     << " (refused so far: " << context.statistics.Total().refused << ")";
}

bool IsAccepted(const Listener& listener, AcceptUdp which) {
  return listener.has_datagrams() &&
         (which == AcceptUdp::kAll || (which == AcceptUdp::kOwnPorts && listener.own_ports));
}

}  // namespace

// Here, where UdpAcceptor is complete.
UdpPeers::UdpPeers(ServerContext& context) : context_(&context) {}
UdpPeers::UdpPeers(UdpPeers&& other) noexcept = default;
UdpPeers::~UdpPeers() = default;

absl::StatusOr<UdpPeers> UdpPeers::Open(ServerContext& context, AcceptUdp which) {
  UdpPeers peers(context);
  peers.which_ = which;
  const UdpSources sources(UdpEndpoints(context));
  for (const Listener& listener : context.listeners) {
    // Null for listeners whose peers are not accepted, so that Of() finds each by its listener's index.
    peers.acceptors_.emplace_back();
    if (!IsAccepted(listener, which)) continue;
    // Two servers that answer everything would answer each other for ever, once a forged datagram has begun it.
    const UdpAcceptor::MayAnswer may_answer = [&context, &listener, sources](const DatagramPath& path) {
      if (sources.MayAnswer(path, listener.own_ports)) return true;
      NoteRefused(context, listener,
                  absl::StrCat(path.peer.ToString(), " is a server's, and the two would answer each other"));
      return false;
    };
    absl::StatusOr<std::unique_ptr<UdpAcceptor>> acceptor =
        UdpAcceptor::Open(listener.fd.get(), listener.own_ports, may_answer);
    if (!acceptor.ok()) return acceptor.status();
    peers.acceptors_.back() = *std::move(acceptor);
  }
  return peers;
}

// Null if the listener's peers are not accepted here. The index is the listener's place in the context; a listener of a
// pool's own (SO_REUSEPORT) is not in the context, but takes connections, so it does not get that far.
UdpAcceptor* UdpPeers::Of(const Listener& listener) const {
  if (acceptors_.empty() || !listener.has_datagrams()) return nullptr;
  return acceptors_.at(static_cast<size_t>(&listener - context_->listeners.data())).get();
}

absl::StatusOr<Connection> UdpPeers::TryAccept(const Listener& listener, Admission& admission) {
  absl::StatusOr<UdpAcceptor::Arrival> peer = Of(listener)->TryAccept();
  // A UDP peer is accepted first and counted then, even with --overload=wait: there is no queue in which it could wait.
  const bool is_full = peer.ok() && !admission.Enter(listener);
  if (peer.ok() && !is_full) return Connection{std::move(peer->socket), &listener, std::move(peer->misdelivered)};
  if (absl::IsUnavailable(peer.status())) return peer.status();
  NoteRefused(*context_, listener,
              is_full ? "there are as many clients as --max_connections allows" : peer.status().message());
  const bool is_short = absl::IsResourceExhausted(peer.status());
  // A peer that may be a forged address gives up its place, so that there is one when the refused peer sends again.
  if (is_full || is_short) Of(listener)->AskOneToLeave();
  // Only a shortage of descriptors concerns all listeners, and makes the caller pause.
  return is_short ? peer.status() : absl::AbortedError("the peer was refused");
}

int UdpPeers::wait_fd(const Listener& listener) const {
  const UdpAcceptor* acceptor = Of(listener);
  return acceptor == nullptr ? listener.fd.get() : acceptor->wait_fd();
}

bool UdpPeers::has_pending(const Listener& listener) const {
  const UdpAcceptor* acceptor = Of(listener);
  return acceptor != nullptr && acceptor->has_pending();
}

bool UdpPeers::awaits_end(const Listener& listener) const {
  const UdpAcceptor* acceptor = Of(listener);
  return acceptor != nullptr && acceptor->awaits_end();
}

bool UdpPeers::EndReturns() {
  bool is_somebody_there = false;
  for (const std::unique_ptr<UdpAcceptor>& acceptor : acceptors_) {
    if (acceptor != nullptr && acceptor->EndReturns()) is_somebody_there = true;
  }
  return is_somebody_there;
}

void UdpPeers::Close(const Listener& listener) {
  if (Accepts(listener)) acceptors_[static_cast<size_t>(&listener - context_->listeners.data())].reset();
}

}  // namespace polyserve
