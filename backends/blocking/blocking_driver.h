// The blocking driver: carries one client's conversation from its first byte to its last, and waits in the system
// calls. The models that give a client a process or a thread (loop, fork, multiprocess, thread, prefork, threadpool)
// add only who calls it.
#ifndef POLYSERVE_BACKENDS_BLOCKING_BLOCKING_DRIVER_H_
#define POLYSERVE_BACKENDS_BLOCKING_BLOCKING_DRIVER_H_

#include "backends/accept/server_context.h"

namespace polyserve {

// Returns when the client has left, broke the rules, timed out, or, while the server stops, is between two requests.
// The connection must be blocking. It is told of a stop by Signals::stopping(), and must then be interrupted (EINTR)
// until it returns. Several threads may run it at once.
// A peer that sends datagrams is served by the driver for these.
void DriveBlocking(Connection connection, ServerContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_BLOCKING_BLOCKING_DRIVER_H_
