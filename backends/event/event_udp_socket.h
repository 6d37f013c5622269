// EventUdpSocket: a port of datagrams in an event loop: one event for all who send to it.
#ifndef POLYSERVE_BACKENDS_EVENT_EVENT_UDP_SOCKET_H_
#define POLYSERVE_BACKENDS_EVENT_EVENT_UDP_SOCKET_H_

#include <event2/event.h>
#include <event2/event_struct.h>

#include "absl/status/status.h"
#include "backends/accept/server_context.h"
#include "backends/connection/timers.h"
#include "backends/udp/udp_socket.h"
#include "net/wake_list.h"

namespace polyserve {

class EventUdpSocket {
 public:
  // All must outlive it. The listener is one of datagrams.
  EventUdpSocket(event_base* base, const Listener& listener, ServerContext& context, Timers& timers, WakeList& wakes);
  ~EventUdpSocket();
  EventUdpSocket(const EventUdpSocket&) = delete;
  EventUdpSocket& operator=(const EventUdpSocket&) = delete;

  absl::Status Watch();

  // See UdpSocket. After Drain() the socket is no longer watched.
  void OnTick();
  void Drain();

 private:
  void OnReadable();
  absl::Status Await(short events);

  event_base* const base_;
  UdpSocket port_;
  short awaited_ = 0;
  event ready_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_EVENT_UDP_SOCKET_H_
