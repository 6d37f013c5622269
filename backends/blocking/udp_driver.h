// The blocking driver for a peer that sends datagrams, and has a socket of its own: as
// backends/blocking/blocking_driver.h, but each datagram is shown to the session by itself, and nothing tells that the
// peer has left.
#ifndef POLYSERVE_BACKENDS_BLOCKING_UDP_DRIVER_H_
#define POLYSERVE_BACKENDS_BLOCKING_UDP_DRIVER_H_

#include "absl/time/time.h"
#include "backends/accept/server_context.h"

namespace polyserve {

// A peer that was silent for so long is let go where its session is blank (Session::is_stateless()), well before the
// idle time-out: should it come back, a new session serves it as well. So a process or a thread is soon free again,
// even where addresses were spoofed.
constexpr absl::Duration kBlankPatience = absl::Seconds(1);

// Returns when the peer was silent for too long, when the session has ended, or, while the server stops, when all that
// had come is answered and the session is idle. Stopping and threads: as DriveBlocking().
void DriveDatagrams(Connection peer, ServerContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_BLOCKING_UDP_DRIVER_H_
