// The blocking driver: carries one client's conversation from its first byte to its last, and waits in the system
// calls. The models that give a client a process or a thread (loop, fork, multiprocess, thread, prefork, threadpool)
// only decide which one calls it.
#ifndef POLYSERVE_BACKENDS_BLOCKING_BLOCKING_DRIVER_H_
#define POLYSERVE_BACKENDS_BLOCKING_BLOCKING_DRIVER_H_

#include "backends/accept/server_context.h"

namespace polyserve {

// Serves the client. Returns when the client has left, has broken the rules or timed out, or, while the server stops,
// when it is between two requests. Takes over the connection and closes it, and counts its end. Reports no errors: an
// error of one client ends that client.
//
// The socket must be blocking; for a session with a mailbox this makes it non-blocking. The driver learns of a stop
// from Signals::stopping(): its thread must then be interrupted (EINTR) again and again until this returns, because the
// first signal may come just before a system call. One thread for each connection, any number of them at once. A peer
// that sends datagrams is passed on to DriveDatagrams().
void DriveBlocking(Connection connection, ServerContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_BLOCKING_BLOCKING_DRIVER_H_
