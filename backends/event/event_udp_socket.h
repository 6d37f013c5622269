// EventUdpSocket: a port of datagrams in an event loop, for all who send to it.
#ifndef POLYSERVE_BACKENDS_EVENT_EVENT_UDP_SOCKET_H_
#define POLYSERVE_BACKENDS_EVENT_EVENT_UDP_SOCKET_H_

#include <cstdint>

#include "absl/status/status.h"
#include "backends/connection/timers.h"
#include "backends/poller/poller.h"
#include "backends/poller/watched_fd.h"
#include "backends/udp/udp_socket.h"
#include "net/wake_list.h"

namespace polyserve {

struct Listener;
struct ServerContext;

class EventUdpSocket {
 public:
  // All must outlive it. The listener is one of datagrams.
  EventUdpSocket(Poller& poller, const Listener& listener, ServerContext& context, Timers& timers, WakeList& wakes);
  EventUdpSocket(const EventUdpSocket&) = delete;
  EventUdpSocket& operator=(const EventUdpSocket&) = delete;

  absl::Status Watch();

  // See UdpSocket. After Drain() the socket is no longer watched.
  void OnTick();
  void Drain();

 private:
  void OnReadable();

  UdpSocket port_;
  WatchedFd ready_;  // Of port_. What cannot be sent is waited for alone: nothing is read meanwhile.
  bool is_drained_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_EVENT_UDP_SOCKET_H_
