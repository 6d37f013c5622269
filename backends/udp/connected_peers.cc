#include "backends/udp/connected_peers.h"

#include <sys/epoll.h>

#include <iterator>
#include <utility>

#include "backends/connection/fairness.h"
#include "backends/udp/send_datagrams.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "net/coarse_clock.h"

namespace polyserve {

namespace {

absl::Status Control(int epoll, int operation, int fd, uint32_t events, void* tag) {
  epoll_event event = {};
  event.events = events;
  event.data.ptr = tag;
  return ::epoll_ctl(epoll, operation, fd, &event) == 0 ? absl::OkStatus() : SysError("epoll_ctl");
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectedUdpPeers>> ConnectedUdpPeers::Create(ServerContext& context, Timers& timers) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return SysError("epoll_create1");
  return std::unique_ptr<ConnectedUdpPeers>(new ConnectedUdpPeers(context, timers, std::move(epoll)));
}

void ConnectedUdpPeers::Start(Connection connection) {
  Peer& peer = peers_.emplace_back(std::move(connection), counters_, connection_limit_);
  peer.self = std::prev(peers_.end());
  if (absl::Status status = Watch(peer); !status.ok()) {
    LOG_FLOOD(WARNING) << "cannot watch a peer, so it is not served: " << status.message();
    peers_.erase(peer.self);
    return;
  }
  OnReadable(peer);  // What it came with.
  FreeThoseOver();
}

// Three registrations for one peer: all carry its address, and OnReadable() looks at all. An event does not say which.
absl::Status ConnectedUdpPeers::Watch(Peer& peer) {
  peer.last_moved = ticks_;
  absl::Status status = Control(epoll_.get(), EPOLL_CTL_ADD, peer.conversation.socket(), EPOLLIN, &peer);
  status.Update(Control(epoll_.get(), EPOLL_CTL_ADD, peer.conversation.misdelivered(), EPOLLIN, &peer));
  if (const int strays = peer.conversation.strays(); strays >= 0) {
    status.Update(Control(epoll_.get(), EPOLL_CTL_ADD, strays, EPOLLIN, &peer));
  }
  return status;
}

// Does not wait: the caller has. A peer may be there twice, by its socket and by its channel, and may end by the first
// of the two events. What does not fit into one call comes first in the next (epoll_wait(2)).
bool ConnectedUdpPeers::Serve() {
  epoll_event events[kPeersPerTurn];
  const int count = ::epoll_wait(epoll_.get(), events, kPeersPerTurn, 0);
  for (int i = 0; i < count; ++i) {
    Peer& peer = *static_cast<Peer*>(events[i].data.ptr);
    if (!peer.is_over) OnReadable(peer);
  }
  FreeThoseOver();
  return count > 0;
}

// Sends first: Answer() reads nothing while a reply is unsent.
void ConnectedUdpPeers::OnReadable(Peer& peer) {
  peer.last_moved = ticks_;
  if (peer.conversation.is_blocked()) peer.conversation.GoOn();
  // Strays are rare, and cost a system call to look for: only if the event was not the peer's. They stay readable.
  if (peer.conversation.Answer(buffer_, kDatagramsPerTurn) == 0) peer.conversation.AnswerStrays(buffer_);
  Settle(peer);
}

// While a reply is unsent the session cannot answer anything, so its timer is put off until there is room.
void ConnectedUdpPeers::TellTime(Peer& peer) {
  if (peer.is_over) return;
  if (peer.conversation.is_blocked()) return timers_.Set(*peer.wake, kRetryBlocked);
  peer.conversation.TellTime();
  Settle(peer);
  // May free the peer with the timer whose call this is, which a Timer allows.
  FreeThoseOver();
}

// Sees to what the peer waits for next. LetGo() may have to answer what it cannot pass on, and then the conversation
// goes on a little: hence the second look. Epoll is called only if the socket's state of being blocked has changed.
void ConnectedUdpPeers::Settle(Peer& peer) {
  PeerConversation& conversation = peer.conversation;
  const auto is_done = [&] { return conversation.is_over() || (stopping_ && conversation.idle()); };
  if (is_done()) {
    const int misdelivered = conversation.misdelivered();
    conversation.LetGo(buffer_, !stopping_);
    if (is_done()) return End(peer);
    // The channel is not read any more, and would be reported as ready for ever.
    if (misdelivered >= 0) Control(epoll_.get(), EPOLL_CTL_DEL, misdelivered, 0, &peer).IgnoreError();
  }
  if (conversation.asks_for_wake()) {
    if (peer.wake == nullptr) peer.wake = std::make_unique<Timer>([this, &peer] { TellTime(peer); });
    timers_.Set(*peer.wake, conversation.TakeWakeIn());
  }
  if (conversation.is_blocked() == peer.awaits_writable) return;
  peer.awaits_writable = conversation.is_blocked();
  const uint32_t events = peer.awaits_writable ? EPOLLOUT : EPOLLIN;
  const absl::Status status = Control(epoll_.get(), EPOLL_CTL_MOD, conversation.socket(), events, &peer);
  if (status.ok()) return;
  LOG_FLOOD(WARNING) << "cannot watch a peer any longer, so it is dropped: " << status.message();
  End(peer);
}

void ConnectedUdpPeers::End(Peer& peer) {
  peer.is_over = true;
  // splice() moves no object: the pointers to the peer, in the epoll and in its timer, stay valid.
  over_.splice(over_.end(), peers_, peer.self);
}

// Closes their descriptors, which takes them out of the epoll. Until then their events are passed over (is_over).
void ConnectedUdpPeers::FreeThoseOver() { over_.clear(); }

// Not within a walk through events, so a silent peer is freed at once. It hears nothing of that.
void ConnectedUdpPeers::OnTick() {
  ++ticks_;
  for (auto next = peers_.begin(); next != peers_.end();) {
    Peer& peer = *next++;
    if (ticks_ - peer.last_moved <= kTicksPerTimeout) continue;
    peer.conversation.LetGo(buffer_, !stopping_);
    peers_.erase(peer.self);
  }
}

// Each peer is read once more: what has come before the stop is answered. Settle() then ends the idle ones.
void ConnectedUdpPeers::OnStop() {
  stopping_ = true;
  for (auto next = peers_.begin(); next != peers_.end();) OnReadable(*next++);
  FreeThoseOver();
}

}  // namespace polyserve
