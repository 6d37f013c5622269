#include "backends/peer_desk.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
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
  if (tag == nullptr) event.events = EPOLLIN;  // Of channels, their end alone (EPOLLHUP need not be asked for).
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
  ForgetGone();
  Datagram next;
  for (int i = 0; i < kDatagramsPerTurn && TakeNext(next); ++i) {
    if (HandOver(next)) continue;
    absl::StatusOr<Arrival> arrival = Accept(next);
    if (arrival.ok()) SortPending();
    return arrival;
  }
  return absl::UnavailableError("nobody new is there");
}

void PeerDesk::ForgetGone() {
  epoll_event events[64];
  const int count = ::epoll_wait(epoll_.get(), events, std::size(events), 0);
  for (int i = 0; i < count; ++i) {
    const Peer* gone = static_cast<const Peer*>(events[i].data.ptr);
    if (gone != nullptr) Forget(peers_.find(gone->path));
  }
}

// Closing the channel would not do for epoll: a child that was just forked may hold a copy of it.
void PeerDesk::Forget(Peers::iterator gone) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, gone->second->channel.get(), nullptr);
  peers_.erase(gone);
}

bool PeerDesk::TakeNext(Datagram& datagram) {
  if (pending_.empty()) return Receive(listener_, datagram);
  datagram = std::move(pending_.front());
  pending_.pop_front();
  pending_bytes_ -= datagram.bytes.size() + kPendingOverhead;
  return true;
}

bool PeerDesk::Receive(int fd, Datagram& datagram) {
  char buffer[kMaxDatagramBytes];
  const ssize_t size = ReceiveDatagram(fd, buffer, datagram.path);
  if (size >= 0) datagram.bytes.assign(buffer, static_cast<size_t>(size));
  return size >= 0;
}

// False where its peer is not known (any more).
bool PeerDesk::HandOver(const Datagram& datagram) {
  const auto found = peers_.find(datagram.path);
  if (found == peers_.end()) return false;
  iovec pieces[2] = {{&g_mark, 1}, {const_cast<char*>(datagram.bytes.data()), datagram.bytes.size()}};
  msghdr message = {};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  if (::sendmsg(found->second->channel.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
  if (errno == EPIPE || errno == ECONNRESET) {
    Forget(found);
    return false;
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
  ::setsockopt(peer->channel.get(), SOL_SOCKET, SO_SNDBUF, &kChannelBytes, sizeof(kChannelBytes));
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
  return size > 0 ? size - 1 : -1;
}

}  // namespace polyserve
