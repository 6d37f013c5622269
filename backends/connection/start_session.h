// StartSession: the session of a client that was accepted, for every driver.
#ifndef POLYSERVE_BACKENDS_CONNECTION_START_SESSION_H_
#define POLYSERVE_BACKENDS_CONNECTION_START_SESSION_H_

#include <memory>

#include "backends/accept/server_context.h"
#include "protocol/session.h"

namespace polyserve {

// Makes it, and tells it who is at the other end of the socket if it wants to know that: a system call that the others
// are spared.
std::unique_ptr<Session> StartSession(const Listener& listener, int fd);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_START_SESSION_H_
