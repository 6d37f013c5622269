// The blocking driver for a peer that sends datagrams, and has a socket of its own. As blocking_driver.h, but each
// datagram is shown to the session by itself, and nothing reports that the peer has left: silence has to do.
#ifndef POLYSERVE_BACKENDS_BLOCKING_UDP_DRIVER_H_
#define POLYSERVE_BACKENDS_BLOCKING_UDP_DRIVER_H_

#include "absl/time/time.h"
#include "backends/accept/server_context.h"

namespace polyserve {

// How long a peer may be silent while its session is stateless (Session::is_stateless()): should it come back, a new
// session serves it just as well. Much shorter than the usual --idle_timeout, so that addresses that do not exist, from
// forged datagrams, do not occupy a process or a thread each.
constexpr absl::Duration kStatelessTimeout = absl::Seconds(1);

// Serves the peer, and returns when it has been silent for too long, when the session has ended, or, while the server
// stops, when all that had come is answered and the session is idle. Takes over the peer's descriptors; the socket must
// be blocking. What the peer has sent by then, and was not answered, goes back to the acceptor for its next
// session (backends/accept/udp_acceptor.h). Interrupts and threads: as DriveBlocking().
void DriveDatagrams(Connection peer, ServerContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_BLOCKING_UDP_DRIVER_H_
