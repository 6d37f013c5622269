// ReceiveTimed: recv(2) of a request that is timed, with the moment at which the kernel has received it.
#ifndef POLYSERVE_BACKENDS_CONNECTION_TIMED_RECEIVE_H_
#define POLYSERVE_BACKENDS_CONNECTION_TIMED_RECEIVE_H_

#include <sys/types.h>
#include <time.h>

#include <cstddef>
#include <optional>

#include "backends/connection/conversation.h"
#include "backends/connection/timed_turn.h"

namespace polyserve {

// As recv(2), errno included. If bytes have come, the conversation times the request from now on; the wait has brought
// it. What counts as its arrival is that of the last byte received (ListenOptions::stamps_arrivals), or, if the kernel
// does not tell, the end of the wait.
ssize_t ReceiveTimed(int fd, char* buffer, size_t size, int flags, const TimedWait& wait, Conversation& conversation);

// The same for a driver whose kernel has received already: call it before the bytes are shown to the session.
// `arrival`: by the clock of SO_TIMESTAMPNS, if the kernel has told. False: an earlier request is timed, or not
// answered yet.
bool TimeReceived(const TimedWait& wait, const std::optional<timespec>& arrival, Conversation& conversation);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_TIMED_RECEIVE_H_
