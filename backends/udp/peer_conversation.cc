#include "backends/udp/peer_conversation.h"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/accept/udp_acceptor.h"
#include "backends/udp/send_datagrams.h"
#include "net/endpoint.h"

namespace polyserve {

namespace {

// The peer that a socket is connected to. Without the local address: the socket is bound to one.
DatagramPath PathOf(int fd) {
  sockaddr_storage peer = {};
  socklen_t size = sizeof(peer);
  ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size);
  return {.peer = Endpoint::FromAddress(peer), .local = {}};
}

// The socket is connected to the session's peer.
std::unique_ptr<Session> MakeSession(const Listener& listener, int fd) {
  std::unique_ptr<Session> session = listener.make_session();
  if (session->wants_peer()) session->OnPeer(PathOf(fd).peer.Host());
  return session;
}

}  // namespace

PeerConversation::PeerConversation(Connection peer, Counters& counters, ConnectionLimit* connection_limit)
    : socket_(std::move(peer.fd)),
      misdelivered_(std::move(peer.misdelivered)),
      listener_(*peer.listener),
      counters_(OfService(counters, peer.listener->number)),
      connection_limit_(connection_limit),
      session_(MakeSession(listener_, socket_.get())) {
  if (!listener_.own_ports) return;
  absl::StatusOr<UniqueFd> strays = BindForStrays(socket_.get());
  if (strays.ok()) strays_ = *std::move(strays);  // Else the kernel refuses them.
}

PeerConversation::~PeerConversation() { CountEnd(counters_, connection_limit_); }

// Receives nothing while a reply is unsent: what the peer goes on sending waits in the kernel, up to kPeerQueueBytes in
// each of the two places.
int PeerConversation::Answer(char* buffer, int most) {
  int answered = 0;
  while (answered < most && !is_blocked() && !output_.closing() && !has_gone_) {
    const ssize_t size = ReceiveNext(buffer);
    if (size < 0) break;
    ++answered;
    Show(absl::string_view(buffer, static_cast<size_t>(size)));
  }
  return answered;
}

// Tells the UDP acceptor, once, that this peer has a state worth keeping, so that it keeps its place when others need
// one.
void PeerConversation::Show(absl::string_view datagram) {
  Counters::Add(counters_.bytes_in, static_cast<int64_t>(datagram.size()));
  Input input(datagram);
  session_->OnInput(input, output_);
  Perform();
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

// At its end the channel is closed, because it would stay readable. After LetGo() it is left open: by its close the UDP
// acceptor sees that the conversation is over, and that comes with the destructor.
ssize_t PeerConversation::NextMisdelivered(char* buffer) {
  const ssize_t size = ReceiveMisdelivered(misdelivered_.get(), buffer, must_leave_);
  if (size < 0 && errno == EPIPE && !has_let_go_) misdelivered_.reset();
  return size;
}

ssize_t PeerConversation::ReceiveOwn(char* buffer) {
  ssize_t size = 0;
  do {
    size = ::recv(socket_.get(), buffer, kMaxDatagramBytes, MSG_DONTWAIT);
    // The peer's host has refused an answer: the kernel reports its ICMP message with the next call (udp(7)). A peer
    // that talks to a port of its own has one transfer there, which is over; on the listener's port it may be back.
    has_gone_ = has_gone_ || (size < 0 && errno == ECONNREFUSED && listener_.own_ports);
  } while (size < 0 && (errno == EINTR || errno == ECONNREFUSED) && !has_gone_);
  return size;
}

// Each counts, answered or not, so that a flood ends with the socket. The reply leaves through the peer's socket, which
// may send to any address (udp(7)). If the network refuses it (ICMP), that is not reported there: it was not the peer.
void PeerConversation::AnswerStrays(char* buffer) {
  while (strays_.ok()) {
    DatagramPath path;
    const ssize_t size = ReceiveDatagram(strays_.get(), buffer, path);
    if (size < 0) return;
    if (--strays_left_ == 0) strays_.reset();
    const std::string reply = session_->ReplyToStray(absl::string_view(buffer, static_cast<size_t>(size)));
    if (!reply.empty()) SendDatagram(socket_.get(), reply, path);
  }
}

void PeerConversation::TellTime() {
  session_->OnTime(output_);
  Perform();
}

// Each message becomes a datagram; they are gathered as long as the output takes more, then sent. A peer that was cut
// off hears the reason, unless a reply is unsent, which would have to go first.
bool PeerConversation::ShowMail() {
  while (const Message message = mailbox()->Next()) {
    session_->OnMessage(message, output_);
    if (!mailbox()->has_mail() || !output_.wants_more()) Perform();
  }
  if (!mailbox()->is_cut_off()) return true;
  const absl::string_view closing_message = session_->closing_message();
  if (!is_blocked() && !closing_message.empty()) output_.Write(closing_message), Perform();
  return false;
}

// Work is run in place: services over UDP have no long work.
void PeerConversation::Perform() {
  while (SendDatagrams(socket_.get(), is_turned_away_ ? &path_ : nullptr, output_, counters_) && output_.has_work()) {
    output_.TakeWork()(output_);
  }
}

// In the order in which they came: misdelivered datagrams, those in the peer's socket, and misdelivered ones that were
// on their way. The socket has to stop receiving before it is emptied, and the channel likewise, or a datagram could
// come in between and be lost with them. What is left in a port of its own belongs to the transfer that has ended, and
// is dropped.
bool PeerConversation::LetGo(char* buffer, bool passes_on) {
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
    // Before the socket loses its peer: from then on each send has to name it.
    path_ = PathOf(socket_.get());
    is_turned_away_ = TurnAwayFromPeer(socket_.get()).ok();
    pass_on([&] { return ReceiveOwn(buffer); });
  }
  has_let_go_ = true;
  ::shutdown(misdelivered_.get(), SHUT_RD);  // The UDP acceptor keeps what comes from now on.
  pass_on(misdelivered);
  return has_answered;
}

// A datagram that cannot be passed on begins the peer's next conversation here, if this one is over.
void PeerConversation::ShowToNext(absl::string_view datagram) {
  if (is_over()) {
    session_ = nullptr;  // First, since two members of a room cannot have the same name.
    session_ = is_turned_away_ ? listener_.make_session() : MakeSession(listener_, socket_.get());
    if (is_turned_away_ && session_->wants_peer()) session_->OnPeer(path_.peer.Host());
    output_.Clear();
    has_gone_ = false;
    must_leave_ = false;
  }
  Show(datagram);
}

}  // namespace polyserve
