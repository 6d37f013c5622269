#include "backends/udp/peer_conversation.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/strings/string_view.h"
#include "backends/accept/udp_acceptor.h"
#include "backends/connection/closing_message.h"
#include "backends/udp/datagram_steps.h"
#include "net/endpoint.h"

namespace polyserve {

namespace {

DatagramPath PathOf(int fd) {
  sockaddr_storage peer = {};
  socklen_t size = sizeof(peer);
  ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size);
  return {.peer = Endpoint::FromAddress(peer), .local = {}};
}

}  // namespace

PeerConversation::PeerConversation(Connection peer, Counters& counters, ConnectionLimit* connection_limit)
    : socket_(std::move(peer.fd)),
      misdelivered_(std::move(peer.misdelivered)),
      listener_(*peer.listener),
      counters_(OfService(counters, peer.listener->number)),
      connection_limit_(connection_limit),
      conversation_(peer.listener->make_session()) {}

PeerConversation::~PeerConversation() { CountEnd(counters_, connection_limit_); }

Step PeerConversation::Next() {
  if (is_over()) return Step::kEnd;
  return TakeDatagramSteps(*conversation_, socket_.get(), is_turned_away_ ? &path_ : nullptr, output_, counters_);
}

bool PeerConversation::Receive(char* buffer) {
  const ssize_t size = ReceiveNext(buffer);
  if (size >= 0) Show(absl::string_view(buffer, static_cast<size_t>(size)));
  return size >= 0 || is_over();
}

void PeerConversation::Show(absl::string_view datagram) {
  Counters::Add(counters_.bytes_in, static_cast<int64_t>(datagram.size()));
  conversation_->OnDatagram(datagram, output_);
  if (is_known_ || gives_way()) return;
  is_known_ = true;
  TellKnown(misdelivered_.get());
}

// On the listener's port, misdelivered datagrams have come before what is in the peer's own socket. On a port of its
// own, what the peer said there before it turned to the listener again is in the socket as soon as the misdelivered one
// is there.
ssize_t PeerConversation::ReceiveNext(char* buffer) {
  if (!listener_.own_ports) {
    const ssize_t size = NextMisdelivered(buffer);
    return size >= 0 ? size : ReceiveOwn(buffer);
  }
  const bool has_misdelivered = HasMisdelivered(misdelivered_.get());
  const ssize_t size = ReceiveOwn(buffer);
  return size < 0 && has_misdelivered && !has_gone_ ? NextMisdelivered(buffer) : size;
}

// Closes their descriptor at the end, which it would go on to tell. Once it was let go, its end is for the UDP acceptor
// to see.
ssize_t PeerConversation::NextMisdelivered(char* buffer) {
  const ssize_t size = ReceiveMisdelivered(misdelivered_.get(), buffer, must_leave_);
  if (size < 0 && errno == EPIPE && !has_let_go_) misdelivered_.reset();
  return size;
}

ssize_t PeerConversation::ReceiveOwn(char* buffer) {
  ssize_t size = 0;
  do {
    size = ::recv(socket_.get(), buffer, kMaxDatagramBytes, MSG_DONTWAIT);
    // The peer's host has refused an answer. To a port of its own the peer speaks of one thing only, and cannot be
    // heard again once it has left; else it may be back.
    has_gone_ = has_gone_ || (size < 0 && errno == ECONNREFUSED && listener_.own_ports);
  } while (size < 0 && (errno == EINTR || errno == ECONNREFUSED) && !has_gone_);
  return size;
}

// In the order in which they came: misdelivered datagrams, those in the peer's socket, and misdelivered ones that were
// on their way. What is left in a port of its own speaks of what has ended.
bool PeerConversation::LetGo(char* buffer, bool passes_on) {
  if (conversation_->is_cut_off()) SendClosingMessage(socket_.get(), *conversation_, counters_);
  bool has_answered = false;
  const auto pass_on = [&](auto receive) {
    for (ssize_t size; (size = receive()) >= 0;) {
      const absl::string_view datagram(buffer, static_cast<size_t>(size));
      passes_on = passes_on && ReturnDatagram(misdelivered_.get(), datagram, !listener_.own_ports);
      if (passes_on) continue;
      ShowToNext(datagram);
      has_answered = true;
    }
  };
  const auto misdelivered = [&] { return NextMisdelivered(buffer); };
  if (!listener_.own_ports) {
    pass_on(misdelivered);
    path_ = PathOf(socket_.get());
    is_turned_away_ = TurnAwayFromPeer(socket_.get()).ok();
    pass_on([&] { return ReceiveOwn(buffer); });
  }
  has_let_go_ = true;
  ::shutdown(misdelivered_.get(), SHUT_RD);  // The UDP acceptor keeps what comes from now on.
  pass_on(misdelivered);
  if (has_answered) OnStop();
  return has_answered;
}

void PeerConversation::ShowToNext(absl::string_view datagram) {
  if (is_over()) {
    conversation_.reset();  // First, since two members of a room cannot have the same name.
    conversation_.emplace(listener_.make_session());
    output_.Clear();
    has_gone_ = false;
    must_leave_ = false;
  }
  if (conversation_->step() != Step::kSend) Show(datagram);  // Else the peer's way is full, and this one is lost on it.
  Next();
}

}  // namespace polyserve
