#include "backends/connection/start_session.h"

#include "absl/status/statusor.h"
#include "net/endpoint.h"

namespace polyserve {

std::unique_ptr<Session> StartSession(const Listener& listener, int fd) {
  std::unique_ptr<Session> session = listener.make_session();
  if (!session->wants_peer()) return session;
  const absl::StatusOr<Endpoint> peer = Endpoint::OfPeer(fd);
  session->OnPeer(peer.ok() ? peer->Host() : "-");  // A connection that was reset meanwhile has no peer (ENOTCONN).
  return session;
}

}  // namespace polyserve
