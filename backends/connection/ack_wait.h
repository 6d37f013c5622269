// The pause before a task that Output::Pause() asked for: first until the peer's system has acknowledged all that was
// sent, then as long as the session wants. Nobody tells when a last byte is acknowledged, so the kernel is asked again
// and again, but only while such a pause lasts.
#ifndef POLYSERVE_BACKENDS_CONNECTION_ACK_WAIT_H_
#define POLYSERVE_BACKENDS_CONNECTION_ACK_WAIT_H_

#include "absl/time/time.h"
#include "protocol/output.h"

namespace polyserve {

// How long to wait before asking again; zero where the pause is over, or there is none. To be asked when all of the
// output is sent. Has no end of its own while the peer acknowledges nothing: that is the idle time-out's.
absl::Duration PauseLeft(int fd, Output& output);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_ACK_WAIT_H_
