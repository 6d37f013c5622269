#include "backends/peer_conversation.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/strings/string_view.h"
#include "backends/peer_desk.h"
#include "backends/send_datagrams.h"
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

PeerConversation::PeerConversation(Connection peer, Counters& counters, Turnstile* turnstile)
    : socket_(std::move(peer.fd)),
      strays_(std::move(peer.strays)),
      own_port_(peer.listener->own_ports),
      counters_(OfService(counters, peer.listener->number)),
      turnstile_(turnstile),
      session_(peer.listener->make_session()) {}

PeerConversation::~PeerConversation() { CountEnd(counters_, turnstile_); }

// Strays have come before what is in the peer's own socket.
int PeerConversation::Answer(char* buffer, int most) {
  int answered = 0;
  while (answered < most && !is_blocked() && !output_.closing() && !has_gone_) {
    ssize_t size = ReceiveStray(strays_.get(), buffer);
    if (size < 0) size = ReceiveOwn(buffer);
    if (size < 0) break;
    ++answered;
    Counters::Add(counters_.bytes_in, size);
    Input input(absl::string_view(buffer, static_cast<size_t>(size)));
    session_->OnInput(input, output_);
    Perform();
  }
  return answered;
}

ssize_t PeerConversation::ReceiveOwn(char* buffer) {
  ssize_t size = 0;
  do {
    size = ::recv(socket_.get(), buffer, kMaxDatagramBytes, MSG_DONTWAIT);
    // The peer's host has refused an answer. To a port of its own the peer speaks of one thing only, and cannot be
    // heard again once it has left; else it may be back.
    has_gone_ = has_gone_ || (size < 0 && errno == ECONNREFUSED && own_port_);
  } while (size < 0 && (errno == EINTR || errno == ECONNREFUSED) && !has_gone_);
  return size;
}

void PeerConversation::TellTime() {
  session_->OnTime(output_);
  Perform();
}

bool PeerConversation::ShowMail() {
  while (const Message message = mailbox()->Next()) {
    session_->OnMessage(message, output_);
    if (!mailbox()->has_mail() || !output_.wants_more()) Perform();
  }
  return !mailbox()->is_cut_off();
}

// Work is run in place.
void PeerConversation::Perform() {
  while (SendDatagrams(socket_.get(), let_go_ ? &path_ : nullptr, output_, counters_) && output_.has_work()) {
    output_.TakeWork()(output_);
  }
}

void PeerConversation::LetGo(char* buffer, int most) {
  if (!own_port_) {
    path_ = PathOf(socket_.get());
    let_go_ = TurnAwayFromPeer(socket_.get()).ok();
  }
  ::shutdown(strays_.get(), SHUT_RD);  // Strays are refused from now on; the desk takes the peer for a new one.
  Answer(buffer, most);
}

}  // namespace polyserve
