#include "backends/peer_desk.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
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

// A peer's datagrams that come in one go before its session can look: all the kernel has room for here.
constexpr int kChannelBytes = 1 << 20;
// Looked at in one turn.
constexpr int kDatagramsPerTurn = 1024;
// What keeping a datagram costs besides its bytes, about.
constexpr size_t kPendingOverhead = 128;

// A message of the channel is never empty, since the end of the channel reads as one that is.
char g_mark = '+';

absl::Status Watch(int epoll, int fd, void* tag) {
  epoll_event event = {};
  event.events = EPOLLIN;  // Of channels, their end, too, which need not be asked for (EPOLLHUP).
  event.data.ptr = tag;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? absl::OkStatus() : SysError("epoll_ctl");
}

}  // namespace

absl::StatusOr<std::unique_ptr<PeerDesk>> PeerDesk::Open(int listener, bool own_ports) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return SysError("epoll_create1");
  if (absl::Status status = Watch(epoll.get(), listener, nullptr); !status.ok()) return status;
  return std::unique_ptr<PeerDesk>(new PeerDesk(listener, own_ports, std::move(epoll)));
}

absl::StatusOr<PeerDesk::Arrival> PeerDesk::TryAccept() {
  TakeReturned();
  Datagram next;
  for (int i = 0; i < kDatagramsPerTurn && TakeNext(next); ++i) {
    if (HandOver(next)) continue;
    absl::StatusOr<Arrival> arrival = Accept(next);
    if (arrival.ok()) SortPending();
    return arrival;
  }
  return absl::UnavailableError("nobody new is there");
}

void PeerDesk::TakeReturned() {
  epoll_event events[64];
  const int count = ::epoll_wait(epoll_.get(), events, std::size(events), 0);
  for (int i = 0; i < count; ++i) {
    Peer* peer = static_cast<Peer*>(events[i].data.ptr);
    if (peer != nullptr && !TakeReturned(*peer)) Forget(peers_.find(peer->path));
  }
}

// False where the session has ended, and that was all.
bool PeerDesk::TakeReturned(Peer& peer) {
  while (true) {
    const ssize_t size = ReceiveStray(peer.channel.get(), buffer_);
    if (size >= 0) {
      peer.returned += KeepForNext(peer, absl::string_view(buffer_, static_cast<size_t>(size)), peer.returned) ? 1 : 0;
    } else if (errno != ECONNRESET && errno != EINTR) {  // Told once where the session has left something unread.
      return errno == EAGAIN;
    }
  }
}

// Closing the channel would not do for epoll: a child that was just forked may hold a copy of it.
void PeerDesk::Forget(Peers::iterator gone) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, gone->second->channel.get(), nullptr);
  const std::unique_ptr<Peer> peer = std::move(gone->second);
  if (peer->is_ending) --ending_;
  peers_.erase(gone);
  for (std::string& bytes : peer->next) pending_.push_back({peer->path, std::move(bytes)});
}

// Keeps it as the one at this position. False where there is no room.
bool PeerDesk::KeepForNext(Peer& peer, absl::string_view bytes, size_t at) {
  if (pending_bytes_ >= kMaxPendingBytes) {
    LOG_EVERY_N(WARNING, 100) << "a datagram of a peer is lost: too many wait for conversations to end";
    return false;
  }
  pending_bytes_ += bytes.size() + kPendingOverhead;
  peer.next.insert(peer.next.begin() + static_cast<std::ptrdiff_t>(at), std::string(bytes));
  return true;
}

bool PeerDesk::TakeNext(Datagram& datagram) {
  if (pending_.empty()) return Receive(listener_, datagram);
  datagram = std::move(pending_.front());
  pending_.pop_front();
  pending_bytes_ -= datagram.bytes.size() + kPendingOverhead;
  return true;
}

bool PeerDesk::Receive(int fd, Datagram& datagram) {
  const ssize_t size = ReceiveDatagram(fd, buffer_, datagram.path);
  if (size >= 0) datagram.bytes.assign(buffer_, static_cast<size_t>(size));
  return size >= 0;
}

// False where its peer is not known (any more).
bool PeerDesk::HandOver(const Datagram& datagram) {
  const auto found = peers_.find(datagram.path);
  if (found == peers_.end()) return false;
  Peer& peer = *found->second;
  if (peer.is_ending) return KeepForNext(peer, datagram.bytes, peer.next.size()), true;
  if (SendStray(peer.channel.get(), datagram.bytes)) return true;
  if (errno == EPIPE || errno == ECONNRESET) {
    peer.is_ending = true;
    ++ending_;
    return KeepForNext(peer, datagram.bytes, peer.next.size()), true;
  }
  // Full, as the queue of a socket may be.
  LOG_EVERY_N(WARNING, 100) << "a datagram of a peer is lost: " << SysError("sendmsg").message();
  return true;
}

absl::StatusOr<PeerDesk::Arrival> PeerDesk::Accept(const Datagram& first) {
  if (peers_.size() >= kMaxPeers) {
    return absl::FailedPreconditionError(absl::StrCat(kMaxPeers, " others are being served"));
  }
  bool may_hold_others = false;
  absl::StatusOr<UniqueFd> socket =
      own_ports_ ? ConnectFromNewPort(listener_, first.path) : ConnectBeside(listener_, first.path, may_hold_others);
  int ends[2];
  if (!socket.ok()) return socket.status();
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return SysError("socketpair");
  auto peer = std::make_unique<Peer>(Peer{first.path, UniqueFd(ends[0])});
  UniqueFd strays(ends[1]);
  for (const int end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kChannelBytes, sizeof(kChannelBytes));
  if (absl::Status status = Watch(epoll_.get(), peer->channel.get(), peer.get()); !status.ok()) return status;
  peers_[first.path] = std::move(peer);
  HandOver(first);
  if (may_hold_others) {
    for (Datagram datagram; Receive(socket->get(), datagram);) {
      datagram.path.local = first.path.local;
      Keep(std::move(datagram));
    }
  }
  return Arrival{*std::move(socket), std::move(strays)};
}

// What came for the newest peer before its socket was there must not wait until there is room for one more.
void PeerDesk::SortPending() {
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

void PeerDesk::Keep(Datagram datagram) {
  pending_bytes_ += datagram.bytes.size() + kPendingOverhead;
  pending_.push_back(std::move(datagram));
}

ssize_t ReceiveStray(int strays, char* buffer) {
  char mark = 0;
  iovec pieces[2] = {{&mark, 1}, {buffer, kMaxDatagramBytes}};
  msghdr message = {};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  const ssize_t size = ::recvmsg(strays, &message, MSG_DONTWAIT);
  if (size == 0) errno = EPIPE;  // The end.
  return size > 0 ? size - 1 : -1;
}

bool HasStray(int strays) {
  int bytes = 0;
  return ::ioctl(strays, FIONREAD, &bytes) == 0 && bytes > 0;
}

bool SendStray(int strays, absl::string_view datagram) {
  iovec pieces[2] = {{&g_mark, 1}, {const_cast<char*>(datagram.data()), datagram.size()}};
  msghdr message = {};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  return ::sendmsg(strays, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

}  // namespace polyserve
