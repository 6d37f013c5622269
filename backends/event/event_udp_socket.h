// EventUdpSocket: a UdpSocket (backends/udp/udp_socket.h) in an event loop: one socket for all peers that send to it,
// and their sessions. Watches it for reading, or, while a reply could not be sent, for writing alone: the kernel's
// queue then bounds what waits. One thread; only Drain() may block, for a moment.
//
//   readable ─▶ answers up to kDatagramsPerTurn ─┬▶ all answered: waits for reading
//                                                └▶ a reply did not fit: waits for writing, reads nothing meanwhile
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
  // All must outlive it. The listener is one of datagrams whose peers are answered from its own port. The timers and
  // the list are the loop's, for sessions that ask for the time or have mail. Not watched yet.
  EventUdpSocket(Poller& poller, const Listener& listener, ServerContext& context, Timers& timers, WakeList& wakes);
  EventUdpSocket(const EventUdpSocket&) = delete;
  EventUdpSocket& operator=(const EventUdpSocket&) = delete;

  // Starts watching; call it once, before the loop runs. Fails if the system has no room for it, or the poller cannot
  // watch this descriptor.
  absl::Status Watch();

  // To be called kTicksPerTimeout times per idle time-out (net/coarse_clock.h): forgets silent peers. Tries to watch
  // the socket again if that has failed meanwhile; datagrams waited in the kernel.
  void OnTick();
  // The server stops: answers all that has come, which may wait some moments for a socket that is full, and forgets the
  // peers. The socket is not watched any more. To be called once; the loop does not wait for datagrams after it.
  void Drain();

 private:
  void OnReadable();

  UdpSocket port_;
  WatchedFd ready_;  // Of port_.
  bool is_drained_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_EVENT_UDP_SOCKET_H_
