#include "backends/peer_set.h"

#include <sys/epoll.h>

#include <iterator>
#include <utility>

#include "backends/idle_ticks.h"
#include "base/logging.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

// Of one peer, before the others' turn.
constexpr int kDatagramsPerTurn = 64;
constexpr int kPeersPerTurn = 64;
constexpr absl::Duration kTellLater = absl::Milliseconds(5);

absl::Status Control(int epoll, int operation, int fd, uint32_t events, void* tag) {
  epoll_event event = {};
  event.events = events;
  event.data.ptr = tag;
  return ::epoll_ctl(epoll, operation, fd, &event) == 0 ? absl::OkStatus() : SysError("epoll_ctl");
}

}  // namespace

absl::StatusOr<std::unique_ptr<PeerSet>> PeerSet::Create(ServeContext& context, Alarms& alarms) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return SysError("epoll_create1");
  return std::unique_ptr<PeerSet>(new PeerSet(context, alarms, std::move(epoll)));
}

void PeerSet::Start(Connection connection) {
  Peer& peer = peers_.emplace_back(std::move(connection), counters_, turnstile_);
  peer.self = std::prev(peers_.end());
  if (absl::Status status = Watch(peer); !status.ok()) {
    LOG(WARNING) << "cannot watch a peer, so it is not served: " << status.message();
    peers_.erase(peer.self);
    return;
  }
  OnReady(peer, EPOLLIN);  // What it came with.
  FreeThoseOver();
}

absl::Status PeerSet::Watch(Peer& peer) {
  peer.last_moved = ticks_;
  absl::Status status = Control(epoll_.get(), EPOLL_CTL_ADD, peer.conversation.socket(), EPOLLIN, &peer);
  status.Update(Control(epoll_.get(), EPOLL_CTL_ADD, peer.conversation.strays(), EPOLLIN, &peer));
  return status;
}

bool PeerSet::Serve() {
  epoll_event events[kPeersPerTurn];
  const int count = ::epoll_wait(epoll_.get(), events, kPeersPerTurn, 0);
  for (int i = 0; i < count; ++i) {
    Peer& peer = *static_cast<Peer*>(events[i].data.ptr);
    if (!peer.is_over) OnReady(peer, events[i].events);
  }
  FreeThoseOver();
  return count > 0;
}

void PeerSet::OnReady(Peer& peer, uint32_t events) {
  peer.last_moved = ticks_;
  // Only the strays' other end is ever closed.
  if ((events & (EPOLLHUP | EPOLLIN)) == EPOLLHUP) peer.conversation.CloseStrays();
  if (peer.conversation.is_blocked()) peer.conversation.GoOn();
  peer.conversation.Answer(buffer_, kDatagramsPerTurn);
  Settle(peer);
}

void PeerSet::TellTime(Peer& peer) {
  if (peer.is_over) return;
  if (peer.conversation.is_blocked()) return alarms_.Set(*peer.wake, kTellLater);
  peer.conversation.TellTime();
  Settle(peer);
  FreeThoseOver();
}

// Sees to what the peer waits for next.
void PeerSet::Settle(Peer& peer) {
  PeerConversation& conversation = peer.conversation;
  const auto is_done = [&] { return conversation.is_over() || (stopping_ && conversation.idle()); };
  if (is_done()) conversation.LetGo(buffer_, kDatagramsPerTurn, !stopping_);
  if (is_done()) return End(peer);
  if (conversation.asks_for_wake()) {
    if (peer.wake == nullptr) peer.wake = std::make_unique<Alarm>([this, &peer] { TellTime(peer); });
    alarms_.Set(*peer.wake, conversation.TakeWakeIn());
  }
  if (conversation.is_blocked() == peer.awaits_writable) return;
  peer.awaits_writable = conversation.is_blocked();
  const uint32_t events = peer.awaits_writable ? EPOLLOUT : EPOLLIN;
  const absl::Status status = Control(epoll_.get(), EPOLL_CTL_MOD, conversation.socket(), events, &peer);
  if (status.ok()) return;
  LOG(WARNING) << "cannot watch a peer, so it is served no longer: " << status.message();
  End(peer);
}

void PeerSet::End(Peer& peer) {
  peer.is_over = true;
  over_.splice(over_.end(), peers_, peer.self);
}

void PeerSet::FreeThoseOver() { over_.clear(); }

void PeerSet::OnTick() {
  ++ticks_;
  for (auto next = peers_.begin(); next != peers_.end();) {
    Peer& peer = *next++;
    if (ticks_ - peer.last_moved <= kTicksPerTimeout) continue;
    peer.conversation.LetGo(buffer_, kDatagramsPerTurn, !stopping_);
    peers_.erase(peer.self);
  }
}

void PeerSet::OnStop() {
  stopping_ = true;
  for (auto next = peers_.begin(); next != peers_.end();) OnReady(*next++, EPOLLIN);
  FreeThoseOver();
}

}  // namespace polyserve
