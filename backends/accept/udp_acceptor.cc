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
// How many datagrams of known peers are handed over while a new peer is looked for, before the caller's turn ends.
constexpr int kDatagramsPerAccept = 1024;
// What keeping a datagram costs besides its bytes, about.
constexpr size_t kPendingOverhead = 128;

// What a message of the channel begins with; so it is never empty, which is how the end of the channel reads.
constexpr char kDatagram = '+';  // Both ways.
constexpr char kKnown = 'k';     // From the session: the peer is there.
constexpr char kLeave = '-';     // To the session: others need its place.

bool SendMessage(int channel, char mark, absl::string_view bytes) {
  iovec pieces[2] = {{&mark, 1}, {const_cast<char*>(bytes.data()), bytes.size()}};
  msghdr message = {};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  return ::sendmsg(channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

// The size of what follows the mark; -1 and errno where there is no message (EAGAIN), or there will be none any more.
ssize_t ReceiveMessage(int channel, char& mark, char* buffer) {
  iovec pieces[2] = {{&mark, 1}, {buffer, kMaxDatagramBytes}};
  msghdr message = {};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  ssize_t size = 0;
  do {
    size = ::recvmsg(channel, &message, MSG_DONTWAIT);
    // A reset is told once, before what is there to be read: the other end was closed with something unread.
  } while (size < 0 && (errno == ECONNRESET || errno == EINTR));
  if (size == 0) errno = EPIPE;
  return size > 0 ? size - 1 : -1;
}

absl::Status Watch(int epoll, int fd, void* tag) {
  epoll_event event = {};
  event.events = EPOLLIN;  // Of channels, their end, too, which need not be asked for (EPOLLHUP).
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

void UdpAcceptor::TakeReturned() {
  epoll_event events[64];
  const int count = ::epoll_wait(epoll_.get(), events, std::size(events), 0);
  for (int i = 0; i < count; ++i) {
    Peer* peer = static_cast<Peer*>(events[i].data.ptr);
    if (peer != nullptr && !TakeReturned(*peer)) Forget(peers_.find(peer->path));
  }
}

// False where the session has ended, and that was all.
bool UdpAcceptor::TakeReturned(Peer& peer) {
  while (true) {
    char mark = 0;
    const ssize_t size = ReceiveMessage(peer.channel.get(), mark, buffer_);
    if (size >= 0 && mark == kKnown) {
      NoteKnown(peer);
    } else if (size >= 0) {
      NoteEnding(peer);
      peer.returned += KeepForNext(peer, absl::string_view(buffer_, static_cast<size_t>(size)), peer.returned) ? 1 : 0;
    } else {
      return errno == EAGAIN;
    }
  }
}

void UdpAcceptor::NoteEnding(Peer& peer) {
  if (!std::exchange(peer.is_ending, true)) ++ending_;
}

bool UdpAcceptor::EndReturns() {
  while (!peers_.empty()) {
    Peer& peer = *peers_.begin()->second;
    ::shutdown(peer.channel.get(), SHUT_RD);
    TakeReturned(peer);
    Forget(peers_.begin());
  }
  return has_pending();
}

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

// Closing the channel would not do for epoll: a child that was just forked may hold a copy of it.
void UdpAcceptor::Forget(Peers::iterator gone) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, gone->second->channel.get(), nullptr);
  const std::unique_ptr<Peer> peer = std::move(gone->second);
  if (peer->is_ending) --ending_;
  if (peer->is_asked) --asked_;
  NoteKnown(*peer);
  peers_.erase(gone);
  for (std::string& bytes : peer->next) pending_.push_back({peer->path, std::move(bytes)});
}

// Keeps it as the one at this position. False where there is no room.
bool UdpAcceptor::KeepForNext(Peer& peer, absl::string_view bytes, size_t at) {
  if (pending_bytes_ >= kMaxPendingBytes) {
    LOG_EVERY_N(WARNING, 100) << "a datagram of a peer is lost: too many wait for conversations to end";
    return false;
  }
  pending_bytes_ += bytes.size() + kPendingOverhead;
  peer.next.insert(peer.next.begin() + static_cast<std::ptrdiff_t>(at), std::string(bytes));
  return true;
}

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

// False where its peer is not known (any more).
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
  // Full, as the queue of a socket may be.
  LOG_EVERY_N(WARNING, 100) << "a datagram of a peer is lost: " << SysError("sendmsg").message();
  return true;
}

absl::StatusOr<UdpAcceptor::Arrival> UdpAcceptor::Accept(const Datagram& first) {
  // Those who leave need a moment for it, which is not waited for; but if all of them do, there is a limit.
  const bool is_full = peers_.size() - asked_ >= kMaxPeers;
  if (peers_.size() >= 2 * kMaxPeers || (is_full && !AskOneToLeave())) {
    return absl::FailedPreconditionError(absl::StrCat(kMaxPeers, " others are being served"));
  }
  bool may_hold_others = false;
  absl::StatusOr<UniqueFd> socket =
      own_ports_ ? ConnectFromNewPort(listener_, first.path) : ConnectBeside(listener_, first.path, may_hold_others);
  int ends[2];
  if (!socket.ok()) return socket.status();
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return SysError("socketpair");
  auto peer = std::make_unique<Peer>(Peer{first.path, UniqueFd(ends[0])});
  UniqueFd misdelivered(ends[1]);
  for (const int end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kPeerQueueBytes, sizeof(kPeerQueueBytes));
  if (absl::Status status = Watch(epoll_.get(), peer->channel.get(), peer.get()); !status.ok()) return status;
  peer->in_unknown = unknown_.insert(unknown_.end(), peer.get());
  peers_[first.path] = std::move(peer);
  HandOver(first);
  if (may_hold_others) {
    for (Datagram datagram; Receive(socket->get(), datagram);) {
      datagram.path.local = first.path.local;
      Keep(std::move(datagram));
    }
  }
  return Arrival{*std::move(socket), std::move(misdelivered)};
}

// What came for the newest peer before its socket was there must not wait until there is room for one more.
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

void UdpAcceptor::Keep(Datagram datagram) {
  pending_bytes_ += datagram.bytes.size() + kPendingOverhead;
  pending_.push_back(std::move(datagram));
}

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
  while (!SendMessage(channel, kDatagram, datagram)) {
    pollfd room = {channel, POLLOUT, 0};
    if (errno != EAGAIN || !may_wait || ::poll(&room, 1, kReturnMilliseconds) <= 0) return false;
  }
  return true;
}

void TellKnown(int channel) { SendMessage(channel, kKnown, ""); }

}  // namespace polyserve
