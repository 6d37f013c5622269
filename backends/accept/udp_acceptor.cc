#include "backends/accept/udp_acceptor.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "net/datagram.h"

namespace polyserve {

namespace {

// How long a session waits until the UDP acceptor, which may be busy, has taken some of what is returned.
constexpr int kReturnMilliseconds = 1000;
// How many datagrams of known peers are handed over in search of a new peer, before the caller's turn ends.
constexpr int kDatagramsPerAccept = 1024;
// About what it costs to keep a datagram, besides its bytes. Without it, empty datagrams could be kept without end.
constexpr size_t kPendingOverhead = 128;

// What a message of the channel begins with. Because of it a message is never empty: a read of nothing is the end.
constexpr char kDatagram = '+';  // Both ways.
constexpr char kKnown = 'k';     // From the session: the peer is there.
constexpr char kLeave = '-';     // To the session: others need its place.

// The mark and the bytes as one message, without waiting. False and errno: EAGAIN if the channel is full, EPIPE or
// ECONNRESET if the other side reads no more.
bool SendMessage(int channel, char mark, absl::string_view bytes) {
  iovec pieces[2] = {{&mark, 1}, {const_cast<char*>(bytes.data()), bytes.size()}};
  msghdr message = {};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  return ::sendmsg(channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

// The size of what follows the mark. -1 and errno if there is no message: EAGAIN for now, EPIPE for ever.
ssize_t ReceiveMessage(int channel, char& mark, char* buffer) {
  iovec pieces[2] = {{&mark, 1}, {buffer, kMaxDatagramBytes}};
  msghdr message = {};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  ssize_t size = 0;
  do {
    size = ::recvmsg(channel, &message, MSG_DONTWAIT);
    // The kernel reports a reset once, before the messages that can still be read: the other end was closed with
    // something unread in it.
  } while (size < 0 && (errno == ECONNRESET || errno == EINTR));
  if (size == 0) errno = EPIPE;
  return size > 0 ? size - 1 : -1;
}

// The tag is the peer of a channel, and null for the listener. Level-triggered: the next look sees what this one
// leaves.
absl::Status Watch(int epoll, int fd, void* tag) {
  epoll_event event = {};
  event.events = EPOLLIN;  // The end of a channel is reported without being asked for (EPOLLHUP).
  event.data.ptr = tag;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? absl::OkStatus() : SysError("epoll_ctl");
}

}  // namespace

absl::StatusOr<std::unique_ptr<UdpAcceptor>> UdpAcceptor::Open(int listener, bool own_ports, MayAnswer may_answer) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return SysError("epoll_create1");
  if (absl::Status status = Watch(epoll.get(), listener, nullptr); !status.ok()) return status;
  return std::unique_ptr<UdpAcceptor>(new UdpAcceptor(listener, own_ports, std::move(may_answer), std::move(epoll)));
}

absl::StatusOr<UdpAcceptor::Arrival> UdpAcceptor::TryAccept() {
  // First what sessions have returned: it came before what lies at the listener.
  TakeReturned();
  Datagram next;
  for (int i = 0; i < kDatagramsPerAccept && TakeNext(next); ++i) {
    if (HandOver(next) || !may_answer_(next.path)) continue;
    absl::StatusOr<Arrival> arrival = Accept(next);
    if (arrival.ok()) SortPending();
    return arrival;
  }
  return absl::UnavailableError("nobody new is there");
}

// Looks at the channels on which something has happened, and forgets the peers whose sessions have ended.
void UdpAcceptor::TakeReturned() {
  epoll_event events[64];
  const int count = ::epoll_wait(epoll_.get(), events, std::size(events), 0);
  for (int i = 0; i < count; ++i) {
    Peer* peer = static_cast<Peer*>(events[i].data.ptr);
    if (peer != nullptr && !TakeReturned(*peer)) Forget(peers_.find(peer->path));
  }
}

// Takes all that this peer's session has sent. False if the session has ended, and that was all.
bool UdpAcceptor::TakeReturned(Peer& peer) {
  while (true) {
    char mark = 0;
    const ssize_t size = ReceiveMessage(peer.channel.get(), mark, buffer_);
    if (size >= 0 && mark == kKnown) {
      NoteKnown(peer);
    } else if (size >= 0) {
      NoteEnding(peer);
      // Behind those returned before, but ahead of what was kept: a returned datagram is older.
      peer.returned += KeepForNext(peer, absl::string_view(buffer_, static_cast<size_t>(size)), peer.returned) ? 1 : 0;
    } else {
      // EAGAIN: nothing more for now. Otherwise the session has closed its end (EPIPE).
      return errno == EAGAIN;
    }
  }
}

void UdpAcceptor::NoteEnding(Peer& peer) {
  if (!std::exchange(peer.is_ending, true)) ++ending_;
}

// Our end is shut down before the last look: a session that returns something afterwards gets EPIPE, and answers it
// itself. A datagram is thus either here or there, and none is lost.
bool UdpAcceptor::EndReturns() {
  while (!peers_.empty()) {
    Peer& peer = *peers_.begin()->second;
    ::shutdown(peer.channel.get(), SHUT_RD);
    TakeReturned(peer);
    Forget(peers_.begin());
  }
  return has_pending();
}

// Takes the peer off the list of those that may be asked to leave.
void UdpAcceptor::NoteKnown(Peer& peer) {
  if (peer.in_unknown.has_value()) unknown_.erase(*std::exchange(peer.in_unknown, std::nullopt));
}

bool UdpAcceptor::AskOneToLeave() {
  if (unknown_.empty()) return false;
  Peer& oldest = *unknown_.front();
  NoteKnown(oldest);
  oldest.is_asked = true;
  ++asked_;
  SendMessage(oldest.channel.get(), kLeave, "");
  return true;
}

// The peer's session has ended: what was kept for its next one now waits like the datagrams of any new peer. Closing
// the channel would not take it out of the epoll: a child that was just forked may hold a copy (epoll(7), "Questions
// and answers").
void UdpAcceptor::Forget(Peers::iterator gone) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, gone->second->channel.get(), nullptr);
  const std::unique_ptr<Peer> peer = std::move(gone->second);
  if (peer->is_ending) --ending_;
  if (peer->is_asked) --asked_;
  NoteKnown(*peer);
  peers_.erase(gone);
  for (std::string& bytes : peer->next) pending_.push_back({peer->path, std::move(bytes)});
}

// Keeps the datagram as the one at this position. False if there is no room.
bool UdpAcceptor::KeepForNext(Peer& peer, absl::string_view bytes, size_t at) {
  if (pending_bytes_ >= kMaxPendingBytes) {
    LOG_FLOOD(WARNING) << "lost a datagram of a peer: too many wait for conversations to end";
    return false;
  }
  pending_bytes_ += bytes.size() + kPendingOverhead;
  peer.next.insert(peer.next.begin() + static_cast<std::ptrdiff_t>(at), std::string(bytes));
  return true;
}

// The next datagram for which no session is known: a pending one, or one from the listener. The pending ones are older.
bool UdpAcceptor::TakeNext(Datagram& datagram) {
  if (pending_.empty()) return Receive(listener_, datagram);
  datagram = std::move(pending_.front());
  pending_.pop_front();
  pending_bytes_ -= datagram.bytes.size() + kPendingOverhead;
  return true;
}

bool UdpAcceptor::Receive(int fd, Datagram& datagram) {
  const ssize_t size = ReceiveDatagram(fd, buffer_, datagram.path);
  if (size >= 0) datagram.bytes.assign(buffer_, static_cast<size_t>(size));
  return size >= 0;
}

// Gives a datagram to the session of its peer, or keeps it for the next one if that session is ending. Also true for a
// datagram that is lost on this way, since it was the known peer's. False if the peer is not known (any more).
bool UdpAcceptor::HandOver(const Datagram& datagram) {
  const auto found = peers_.find(datagram.path);
  if (found == peers_.end()) return false;
  Peer& peer = *found->second;
  if (peer.is_ending) return KeepForNext(peer, datagram.bytes, peer.next.size()), true;
  if (SendMessage(peer.channel.get(), kDatagram, datagram.bytes)) return true;
  if (errno == EPIPE || errno == ECONNRESET) {
    NoteEnding(peer);
    return KeepForNext(peer, datagram.bytes, peer.next.size()), true;
  }
  // The channel is full: the datagram is dropped, as the kernel does at a full socket.
  LOG_FLOOD(WARNING) << "a datagram of a peer is lost: " << SysError("sendmsg").message();
  return true;
}

// Makes a socket and a channel for the peer of this datagram, which goes through the channel as well, so that the
// session sees one order only.
absl::StatusOr<UdpAcceptor::Arrival> UdpAcceptor::Accept(const Datagram& first) {
  // Peers that were asked to leave need a moment for it. The new peer does not wait for that, so for this moment there
  // are more than kMaxPeers; twice as many are the limit.
  const bool is_full = peers_.size() - asked_ >= kMaxPeers;
  if (peers_.size() >= 2 * kMaxPeers || (is_full && !AskOneToLeave())) {
    return absl::FailedPreconditionError(absl::StrCat(kMaxPeers, " others are being served"));
  }
  bool may_hold_others = false;
  absl::StatusOr<UniqueFd> socket =
      own_ports_ ? ConnectFromNewPort(listener_, first.path) : ConnectBeside(listener_, first.path, may_hold_others);
  int ends[2];
  if (!socket.ok()) return socket.status();
  // SOCK_SEQPACKET keeps datagrams apart, and the reader sees the end when the other side is closed; with SOCK_DGRAM it
  // never would.
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return SysError("socketpair");
  auto peer = std::make_unique<Peer>(Peer{first.path, UniqueFd(ends[0])});
  UniqueFd misdelivered(ends[1]);
  // As much as the peer's own socket holds, since a burst may come either way.
  for (const int end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kPeerQueueBytes, sizeof(kPeerQueueBytes));
  if (absl::Status status = Watch(epoll_.get(), peer->channel.get(), peer.get()); !status.ok()) return status;
  peer->in_unknown = unknown_.insert(unknown_.end(), peer.get());
  peers_[first.path] = std::move(peer);
  HandOver(first);
  // Others' datagrams have got into the new socket before it was connected: they are treated like those at the
  // listener.
  if (may_hold_others) {
    for (Datagram datagram; Receive(socket->get(), datagram);) {
      datagram.path.local = first.path.local;
      Keep(std::move(datagram));
    }
  }
  return Arrival{*std::move(socket), std::move(misdelivered)};
}

// After a new peer: what it has sent since its first datagram lies among the pending ones and at the listener. The
// session must get it now, and not only when there is room for one more peer.
void UdpAcceptor::SortPending() {
  pending_.erase(std::remove_if(pending_.begin(), pending_.end(),
                                [this](const Datagram& datagram) {
                                  if (!HandOver(datagram)) return false;
                                  pending_bytes_ -= datagram.bytes.size() + kPendingOverhead;
                                  return true;
                                }),
                 pending_.end());
  for (Datagram datagram; pending_bytes_ < kMaxPendingBytes && Receive(listener_, datagram);) {
    if (!HandOver(datagram)) Keep(std::move(datagram));
  }
}

// Keeps the datagram of an unknown peer. The callers watch the bound.
void UdpAcceptor::Keep(Datagram datagram) {
  pending_bytes_ += datagram.bytes.size() + kPendingOverhead;
  pending_.push_back(std::move(datagram));
}

// A request to leave is the only other message in this direction, and does not end the search for a datagram.
ssize_t ReceiveMisdelivered(int channel, char* buffer, bool& must_leave) {
  char mark = 0;
  ssize_t size = 0;
  while ((size = ReceiveMessage(channel, mark, buffer)) >= 0 && mark != kDatagram) must_leave = true;
  return size;
}

bool HasMisdelivered(int channel) {
  char mark = 0;
  return ::recv(channel, &mark, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

bool ReturnDatagram(int channel, absl::string_view datagram, bool may_wait) {
  // A signal ends the wait, since the server may be stopping.
  while (!SendMessage(channel, kDatagram, datagram)) {
    pollfd room = {channel, POLLOUT, 0};
    if (errno != EAGAIN || !may_wait || ::poll(&room, 1, kReturnMilliseconds) <= 0) return false;
  }
  return true;
}

void TellKnown(int channel) { SendMessage(channel, kKnown, ""); }

}  // namespace polyserve
