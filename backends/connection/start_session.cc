#include "backends/connection/start_session.h"

#include "absl/status/statusor.h"
#include "net/endpoint.h"

namespace polyserve {

std::unique_ptr<Session> StartSession(const Listener& listener, int fd) {
  std::unique_ptr<Session> session = listener.make_session();
  if (!session->wants_peer()) return session;
  // accept(2) could have returned the address, too. But few sessions want it, and of a client that came by a multishot
  // accept of the ring, or from another process (SCM_RIGHTS), only the descriptor is known.
  const absl::StatusOr<Endpoint> peer = Endpoint::OfPeer(fd);
  session->OnPeer(peer.ok() ? peer->Host() : "-");  // A connection that was reset meanwhile has no peer (ENOTCONN).
  return session;
}

}  // namespace polyserve
