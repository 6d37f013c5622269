#include "backends/event/event_udp_socket.h"

#include "backends/accept/server_context.h"
#include "base/logging.h"

namespace polyserve {

EventUdpSocket::EventUdpSocket(Poller& poller, const Listener& listener, ServerContext& context, Timers& timers,
                               WakeList& wakes)
    : port_(listener, context, timers, wakes), ready_(poller, port_.fd(), [this] { OnReadable(); }) {}

absl::Status EventUdpSocket::Watch() { return ready_.Watch(Poller::kReadable); }

// Asking for the same events as before is free (Poller::Set()). If the change fails, the socket is not watched any
// more, and datagrams wait in the kernel until OnTick() succeeds.
void EventUdpSocket::OnReadable() {
  port_.Serve();
  const absl::Status status = ready_.Watch(port_.is_blocked() ? Poller::kWritable : Poller::kReadable);
  if (status.ok()) return;
  LOG_FLOOD(WARNING) << "cannot watch for datagrams at the moment: " << status.message();
}

void EventUdpSocket::OnTick() {
  port_.OnTick();
  if (ready_.events() == 0 && !is_drained_) static_cast<void>(Watch());  // Tried again by the next tick.
}

// Once drained, OnTick() must not watch the socket again: what comes from now on is not answered.
void EventUdpSocket::Drain() {
  ready_.StopWatching();
  is_drained_ = true;
  port_.Drain();
}

}  // namespace polyserve
