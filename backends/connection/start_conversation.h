// StartConversation: the conversation of a client that was accepted, for every driver.
#ifndef POLYSERVE_BACKENDS_CONNECTION_START_CONVERSATION_H_
#define POLYSERVE_BACKENDS_CONNECTION_START_CONVERSATION_H_

#include "backends/accept/server_context.h"
#include "backends/connection/conversation.h"

namespace polyserve {

// Makes the session and passes it the peer's address if it wants that (Session::wants_peer()); if the peer has left
// already, the address is "-". Lists the connection in the listener's ConnectionTable, by the thread that calls: call
// it once for each client, in the thread that will serve it, before anything else happens to the session. Does not
// block; costs a system call for the peer's address. `fd` is the connection's, and is only looked at; the listener says
// which service it is, and must outlive the conversation. If the peer's address has too many connections already
// (Listener::address_limits), the conversation is refused: look at is_refused() before waiting for anything. A load
// balancer (Session::IsBalancer()) is not counted here.
Conversation StartConversation(const Listener& listener, int fd);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_START_CONVERSATION_H_
