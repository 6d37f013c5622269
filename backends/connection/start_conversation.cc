#include "backends/connection/start_conversation.h"

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "net/connection_table.h"
#include "net/endpoint.h"
#include "protocol/session.h"

namespace polyserve {

// accept(2) could return the address as well, but a multishot accept of the ring, or another process that passes a
// client on (SCM_RIGHTS), delivers only the descriptor, and one way for all models keeps them comparable. A connection
// that was reset meanwhile has no peer (ENOTCONN); it is listed without one for the moment that it lasts.
Conversation StartConversation(const Listener& listener, int fd) {
  std::unique_ptr<Session> session = listener.make_session();
  if (!session->wants_peer() && !listener.connections.exists()) return Conversation(std::move(session));
  const absl::StatusOr<Endpoint> peer = Endpoint::OfPeer(fd);
  if (session->wants_peer()) session->OnPeer(peer.ok() ? peer->Host() : "-");
  return Conversation(std::move(session), listener.connections.Enter(listener.number, peer.value_or(Endpoint())));
}

}  // namespace polyserve
