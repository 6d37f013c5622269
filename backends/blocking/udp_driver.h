// The blocking driver for a peer that sends datagrams, and has a socket of its own. As
// backends/blocking/blocking_driver.h, except that the session gets each datagram by itself, and nothing reports that
// the peer has left: only silence ends it.
#ifndef POLYSERVE_BACKENDS_BLOCKING_UDP_DRIVER_H_
#define POLYSERVE_BACKENDS_BLOCKING_UDP_DRIVER_H_

#include "absl/time/time.h"
#include "backends/accept/server_context.h"

namespace polyserve {

// After this silence a peer is dropped if its session is stateless (Session::is_stateless()), well before the idle
// time-out: if it sends again, a new session serves it just as well. So its process or thread is soon free, even if
// addresses were forged.
constexpr absl::Duration kBlankPatience = absl::Seconds(1);

// Serves the peer. Returns when it has been silent for too long, when the session has ended, or, while the server
// stops, when everything that had come is answered and the session is idle. Takes over the sockets, and counts the end.
// Stopping and threads: as DriveBlocking().
void DriveDatagrams(Connection peer, ServerContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_BLOCKING_UDP_DRIVER_H_
