#include "backends/udp/udp_sockets.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "backends/udp/send_datagrams.h"
#include "net/coarse_clock.h"
#include "net/signals.h"

namespace polyserve {

UdpSockets::UdpSockets(ServerContext& context, std::unique_ptr<WakeList> wakes)
    : wakes_(std::move(wakes)), tick_length_(context.idle_timeout / kTicksPerTimeout), tick_(tick_length_) {
  for (const Listener& listener : context.listeners) {
    if (!listener.has_datagrams() || listener.own_ports) continue;
    ports_.push_back(std::make_unique<UdpSocket>(listener, context, timers_, *wakes_));
  }
}

absl::StatusOr<std::unique_ptr<UdpSockets>> UdpSockets::Create(ServerContext& context) {
  absl::StatusOr<std::unique_ptr<WakeList>> wakes = WakeList::Create();
  if (!wakes.ok()) return wakes.status();
  // From here on a wake-up by this thread costs no system call: Serve() looks at the list itself.
  (*wakes)->BelongToThisThread();
  std::unique_ptr<UdpSockets> ports(new UdpSockets(context, *std::move(wakes)));
  absl::StatusOr<std::unique_ptr<ConnectedUdpPeers>> peers = ConnectedUdpPeers::Create(context, ports->timers_);
  if (!peers.ok()) return peers.status();
  ports->peers_ = *std::move(peers);
  return ports;
}

// Timers and mail go after the datagrams, for the reasons given at PollerLoop::Turn(). The coarse clock is looked at in
// each round; a round that comes late only makes a silent peer's time-out late.
bool UdpSockets::Serve() {
  if (empty()) return false;
  bool moved = peers_->Serve();
  for (const auto& port : ports_) moved = port->Serve() || moved;
  timers_.RingDue();
  if (!wakes_->empty()) {
    wakes_->Deliver();
    // In this order: a wake-up whose client was just called would otherwise stay at the descriptor, and end every wait
    // as long as the list is empty.
    wakes_->TakeWake();
    moved = true;
  }
  if (tick_.passed()) {
    for (const auto& port : ports_) port->OnTick();
    peers_->OnTick();
    tick_ = Deadline(tick_length_);
  }
  return moved;
}

// Serves after each wait without asking what ended it: a look at a socket that has nothing costs one system call. The
// acceptor waits for the datagrams, too; the wake list is what it does not know. A peer that is answered from a port of
// its own is a client like others: the acceptor returns it, and it is served before the next wait.
absl::StatusOr<Connection> UdpSockets::ServeUntilConnection(Acceptor& acceptor) {
  while (!Signals::stopping()) {
    acceptor.Wait({.also = wakes_->fd(), .at_most = UntilNextLook()});
    Serve();
    absl::StatusOr<Connection> client = acceptor.TakeSeen();
    if (client.ok()) return client;
  }
  Drain();
  return acceptor.Next();
}

// How long the next look may take to come, if nothing comes: for ever if no peer is remembered. A socket that is full
// is tried again soon, because the wait is for input only.
absl::Duration UdpSockets::UntilNextLook() const {
  if (!wakes_->empty()) return absl::ZeroDuration();
  absl::Duration until = absl::InfiniteDuration();
  if (!timers_.empty()) until = absl::FromChrono(timers_.first() - Timer::Clock::now());
  for (const auto& port : ports_) {
    if (port->peers() > 0) until = std::min(until, absl::Milliseconds(tick_.PollMilliseconds()));
    if (port->is_blocked()) until = std::min(until, kRetryBlocked);
  }
  return std::max(until, absl::ZeroDuration());
}

// May be called again: the ports are gone after the first time.
void UdpSockets::Drain() {
  for (const auto& port : ports_) port->Drain();
  ports_.clear();
  peers_->OnStop();
}

}  // namespace polyserve
