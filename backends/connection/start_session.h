// StartSession: the session of a client that was accepted, for every driver.
#ifndef POLYSERVE_BACKENDS_CONNECTION_START_SESSION_H_
#define POLYSERVE_BACKENDS_CONNECTION_START_SESSION_H_

#include <memory>

#include "backends/accept/server_context.h"
#include "protocol/session.h"

namespace polyserve {

// Makes it, never null, and passes it the peer's address if it wants that (Session::wants_peer()): a system call that
// the others are spared. If the peer has left already, the address is "-". To be called once for each client, before
// anything else happens to the session, from any thread. Does not block. `fd` is the connection's, and is only looked
// at; the listener says which service it is, and must outlive the session.
std::unique_ptr<Session> StartSession(const Listener& listener, int fd);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_START_SESSION_H_
