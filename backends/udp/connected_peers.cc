#include "backends/udp/connected_peers.h"

#include <sys/epoll.h>

#include <iterator>
#include <utility>

#include "backends/connection/conversation.h"
#include "backends/connection/fairness.h"
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
    LOG(WARNING) << "cannot watch a peer, so it is not served: " << status.message();
    peers_.erase(peer.self);
    return;
  }
  if (stopping_) peer.conversation.OnStop();
  OnReady(peer);  // For what it came with.
  FreeThoseOver();
}

absl::Status ConnectedUdpPeers::Watch(Peer& peer) {
  peer.last_moved = ticks_;
  peer.awaited = EPOLLIN;
  absl::Status status = Control(epoll_.get(), EPOLL_CTL_ADD, peer.conversation.socket(), EPOLLIN, &peer);
  status.Update(Control(epoll_.get(), EPOLL_CTL_ADD, peer.conversation.misdelivered(), EPOLLIN, &peer));
  return status;
}

bool ConnectedUdpPeers::Serve() {
  epoll_event events[kPeersPerTurn];
  const int count = ::epoll_wait(epoll_.get(), events, kPeersPerTurn, 0);
  for (int i = 0; i < count; ++i) {
    Peer& peer = *static_cast<Peer*>(events[i].data.ptr);
    if (!peer.is_over) OnReady(peer);
  }
  FreeThoseOver();
  return count > 0;
}

void ConnectedUdpPeers::OnReady(Peer& peer) {
  peer.last_moved = ticks_;
  TakeSteps(peer);
}

// Takes steps until the next one has to wait, or the others have their turn.
void ConnectedUdpPeers::TakeSteps(Peer& peer) {
  for (int datagrams = 0;;) {
    switch (peer.conversation.Next()) {
      case Step::kRead:
        if (datagrams++ < kDatagramsPerTurn && peer.conversation.Receive(buffer_)) break;
        return Await(peer, EPOLLIN);
      case Step::kReadLast:
        if (datagrams++ < kDatagramsPerTurn && peer.conversation.Receive(buffer_)) break;
        return LetGo(peer);
      case Step::kSend:
        return Await(peer, EPOLLOUT);
      case Step::kResume:
        break;
      case Step::kSetTimer:
        SetTimer(peer);
        break;
      default:
        return LetGo(peer);
    }
  }
}

// Waits for this event of the peer's own socket; misdelivered datagrams are always waited for.
void ConnectedUdpPeers::Await(Peer& peer, uint32_t event) {
  if (event == peer.awaited) return;
  peer.awaited = event;
  const absl::Status status = Control(epoll_.get(), EPOLL_CTL_MOD, peer.conversation.socket(), event, &peer);
  if (status.ok()) return;
  LOG(WARNING) << "cannot watch a peer, so it is served no longer: " << status.message();
  End(peer);
}

void ConnectedUdpPeers::SetTimer(Peer& peer) {
  if (peer.timer == nullptr) peer.timer = std::make_unique<Timer>([this, &peer] { OnTimer(peer); });
  timers_.Set(*peer.timer, peer.conversation.TakeTimer());
}

void ConnectedUdpPeers::OnTimer(Peer& peer) {
  if (peer.is_over) return;
  peer.conversation.OnTimer();
  TakeSteps(peer);
  FreeThoseOver();
}

// Serves on what cannot be passed on to the peer's next session.
void ConnectedUdpPeers::LetGo(Peer& peer) {
  if (peer.conversation.has_let_go()) return End(peer);
  const int misdelivered = peer.conversation.misdelivered();
  if (!peer.conversation.LetGo(buffer_, !stopping_)) return End(peer);
  // Not read any more, it would go on to be ready.
  if (misdelivered >= 0) Control(epoll_.get(), EPOLL_CTL_DEL, misdelivered, 0, &peer).IgnoreError();
  TakeSteps(peer);
}

void ConnectedUdpPeers::End(Peer& peer) {
  peer.is_over = true;
  over_.splice(over_.end(), peers_, peer.self);
}

void ConnectedUdpPeers::FreeThoseOver() { over_.clear(); }

void ConnectedUdpPeers::OnTick() {
  ++ticks_;
  for (auto next = peers_.begin(); next != peers_.end();) {
    Peer& peer = *next++;
    if (ticks_ - peer.last_moved <= kTicksPerTimeout) continue;
    peer.conversation.LetGo(buffer_, !stopping_);
    peers_.erase(peer.self);
  }
}

void ConnectedUdpPeers::OnStop() {
  stopping_ = true;
  for (auto next = peers_.begin(); next != peers_.end();) {
    Peer& peer = *next++;
    peer.conversation.OnStop();
    OnReady(peer);
  }
  FreeThoseOver();
}

}  // namespace polyserve
