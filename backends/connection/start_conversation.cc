#include "backends/connection/start_conversation.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "access/address_limits.h"
#include "access/address_places.h"
#include "net/connection_table.h"
#include "net/endpoint.h"
#include "protocol/session.h"

namespace polyserve {

// accept(2) could return the address as well, but a multishot accept of the ring, or another process that passes a
// client on (SCM_RIGHTS), delivers only the descriptor, and one way for all models keeps them comparable. A connection
// that was reset meanwhile has no peer (ENOTCONN); it is listed without one for the moment that it lasts.
Conversation StartConversation(const Listener& listener, int fd) {
  std::unique_ptr<Session> session = listener.make_session();
  const AddressLimits* limits = listener.address_limits.get();
  if (!session->wants_peer() && !listener.connections.exists() && limits == nullptr) {
    return Conversation(std::move(session), {}, {}, listener.number);
  }
  const absl::StatusOr<Endpoint> peer = Endpoint::OfPeer(fd);
  const std::string address = session->wants_peer() || limits != nullptr ? (peer.ok() ? peer->Host() : "-") : "";
  AddressPlaces::Place place =
      limits != nullptr && !session->IsBalancer(address) ? limits->Enter(address) : AddressPlaces::Place();
  // Not if it is refused: for some sessions this is when they begin to cost something.
  if (session->wants_peer() && !place.is_refused()) session->OnPeer(address);
  return Conversation(std::move(session), listener.connections.Enter(listener.number, peer.value_or(Endpoint())),
                      std::move(place), listener.number);
}

}  // namespace polyserve
