// AckWaitLeft: the wait before a task that Output::Pause() or WorkAfter() asked for. That of Pause() lasts until the
// peer's system has acknowledged everything that was sent, and then for as long as the session wants. The kernel
// reports no acknowledgement of a last byte, so it is polled every few milliseconds, but only during such a wait.
#ifndef POLYSERVE_BACKENDS_CONNECTION_ACK_WAIT_H_
#define POLYSERVE_BACKENDS_CONNECTION_ACK_WAIT_H_

#include "absl/time/time.h"
#include "protocol/output.h"

namespace polyserve {

// For Step::kAwaitAck: how long to wait before calling this again; zero once the wait is over, or if there is none. To
// be called when all output is sent. Costs a system call or two until everything is acknowledged, later a look at the
// clock, and never blocks. If the peer acknowledges nothing, the idle time-out ends the wait.
absl::Duration AckWaitLeft(int fd, Output& output);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_ACK_WAIT_H_
