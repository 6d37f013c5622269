#include "backends/datagram_ports.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "backends/idle_ticks.h"

namespace polyserve {

namespace {

// Nobody tells when a port that could not send can go on: so long later it is tried again.
constexpr absl::Duration kRetry = absl::Milliseconds(5);

}  // namespace

DatagramPorts::DatagramPorts(ServeContext& context, WakeList& wakes)
    : wakes_(wakes), tick_length_(context.idle_timeout / kTicksPerTimeout), tick_(tick_length_) {
  for (const Listener& listener : context.listeners) {
    if (!listener.has_datagrams() || listener.own_ports) continue;
    ports_.push_back(std::make_unique<DatagramPort>(listener, context, alarms_, wakes_));
  }
}

absl::StatusOr<std::unique_ptr<DatagramPorts>> DatagramPorts::Create(ServeContext& context, WakeList& wakes) {
  std::unique_ptr<DatagramPorts> ports(new DatagramPorts(context, wakes));
  absl::StatusOr<std::unique_ptr<PeerSet>> peers = PeerSet::Create(context, ports->alarms_);
  if (!peers.ok()) return peers.status();
  ports->peers_ = *std::move(peers);
  return ports;
}

bool DatagramPorts::Serve() {
  if (empty()) return false;
  bool moved = peers_->Serve();
  for (const auto& port : ports_) moved = port->Serve() || moved;
  alarms_.RingDue();
  if (!wakes_.empty()) {
    wakes_.Deliver();
    wakes_.TakeWake();  // Behind it, so that a wake that is just being made is surely taken, and none is left for good.
    moved = true;
  }
  if (tick_.passed()) {
    for (const auto& port : ports_) port->OnTick();
    peers_->OnTick();
    tick_ = Deadline(tick_length_);
  }
  return moved;
}

absl::Duration DatagramPorts::UntilNextLook() const {
  if (!wakes_.empty()) return absl::ZeroDuration();
  absl::Duration until = absl::InfiniteDuration();
  if (!alarms_.empty()) until = absl::FromChrono(alarms_.first() - Alarm::Clock::now());
  for (const auto& port : ports_) {
    if (port->peers() > 0) until = std::min(until, absl::Milliseconds(tick_.PollMilliseconds()));
    if (port->is_blocked()) until = std::min(until, kRetry);
  }
  return std::max(until, absl::ZeroDuration());
}

void DatagramPorts::Drain() {
  for (const auto& port : ports_) port->Drain();
  ports_.clear();
  peers_->OnStop();
}

}  // namespace polyserve
