// EventPort: a port of datagrams in an event loop: one event for all who send to it.
#ifndef POLYSERVE_BACKENDS_EVENT_PORT_H_
#define POLYSERVE_BACKENDS_EVENT_PORT_H_

#include <event2/event.h>
#include <event2/event_struct.h>

#include "absl/status/status.h"
#include "backends/alarms.h"
#include "backends/datagram_port.h"
#include "backends/serve_context.h"
#include "room/wake_list.h"

namespace polyserve {

class EventPort {
 public:
  // All must outlive it. The listener is one of datagrams.
  EventPort(event_base* base, const Listener& listener, ServeContext& context, Alarms& alarms, WakeList& wakes);
  ~EventPort();
  EventPort(const EventPort&) = delete;
  EventPort& operator=(const EventPort&) = delete;

  absl::Status Watch();

  // See DatagramPort. After Drain() the socket is no longer watched.
  void OnTick();
  void Drain();

 private:
  void OnReady();
  absl::Status Await(short events);

  event_base* const base_;
  DatagramPort port_;
  short awaited_ = 0;
  event ready_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_PORT_H_
