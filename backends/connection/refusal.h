// SayRefusal: a client that was accepted, but is not to be served (--overload), hears what its protocol says to that
// (Session::OnOverload()), without a conversation. For those who accept for others; a driver refuses a request by
// Conversation::Refuse().
#ifndef POLYSERVE_BACKENDS_CONNECTION_REFUSAL_H_
#define POLYSERVE_BACKENDS_CONNECTION_REFUSAL_H_

#include "backends/accept/server_context.h"

namespace polyserve {

// Sends the words, and closes our side. True: read on until the client closes its own (lingering_close.h). False: the
// protocol has no words, as before a TLS handshake, or they could not be sent: close the connection. Makes the socket
// non-blocking, and never blocks: the words are short, and its buffer is empty. Counts what is sent, and the request
// that was answered with an error, in the context's row.
bool SayRefusal(const Connection& client, const ServerContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_REFUSAL_H_
