#include "backends/event/event_udp_socket.h"

#include "base/logging.h"
#include "base/sys_error.h"

namespace polyserve {

EventUdpSocket::EventUdpSocket(event_base* base, const Listener& listener, ServerContext& context, Timers& timers,
                               WakeList& wakes)
    : base_(base), port_(listener, context, timers, wakes) {
  const auto on_ready = [](evutil_socket_t, short, void* self) { static_cast<EventUdpSocket*>(self)->OnReadable(); };
  CHECK_EQ(event_assign(&ready_, base, port_.fd(), EV_READ | EV_PERSIST, on_ready, this), 0);
}

EventUdpSocket::~EventUdpSocket() { event_del(&ready_); }

absl::Status EventUdpSocket::Watch() { return Await(EV_READ); }

// Waits for what comes, or, where an answer could not be sent, for that alone.
absl::Status EventUdpSocket::Await(short events) {
  event_del(&ready_);
  awaited_ = events;
  CHECK_EQ(event_assign(&ready_, base_, port_.fd(), static_cast<short>(events | EV_PERSIST),
                        event_get_callback(&ready_), this),
           0);
  return event_add(&ready_, nullptr) == 0 ? absl::OkStatus() : SysError("event_add");
}

void EventUdpSocket::OnReadable() {
  port_.Serve();
  const short events = port_.is_blocked() ? EV_WRITE : EV_READ;
  if (events == awaited_) return;
  const absl::Status status = Await(events);
  if (status.ok()) return;
  LOG(WARNING) << "datagrams cannot be watched for, for now: " << status.message();
  awaited_ = 0;
}

void EventUdpSocket::OnTick() {
  port_.OnTick();
  if (awaited_ == 0 && !Await(EV_READ).ok()) awaited_ = 0;
}

void EventUdpSocket::Drain() {
  event_del(&ready_);
  awaited_ = EV_READ;  // So that no tick watches it again.
  port_.Drain();
}

}  // namespace polyserve
