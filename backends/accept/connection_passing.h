// A client on its way to another process, over a pair of Unix sockets (net/fd_passing.h): its descriptor, and the
// number of its listener as a text of fixed length, so that the bytes in the socket tell how many clients wait.
//
//   parent:  accept ─▶ SendClient() ─▶ socket ─▶ AdoptClient() or TakeClient()  :worker
//
// Both sides hold the same listeners in the same order. A client that is lost on the way (no descriptor is left for it,
// the socket is broken) is logged and counted as ended by the side that notices.
#ifndef POLYSERVE_BACKENDS_ACCEPT_CONNECTION_PASSING_H_
#define POLYSERVE_BACKENDS_ACCEPT_CONNECTION_PASSING_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "net/fd_passing.h"

namespace polyserve {

// The length of the text that goes with a client.
constexpr int kClientParcelBytes = 4;

// Sends a copy of the descriptor; the caller closes its own. Blocks while the socket is full. On error the client is
// lost, and counted as ended.
absl::Status SendClient(int inlet, const Connection& client, ServerContext& context);

// What SendClient() has sent. Anything else, or a parcel that was not received well, is a client lost on its way: it is
// counted as ended.
absl::StatusOr<Connection> TakeClient(absl::StatusOr<Parcel> parcel, ServerContext& context);

// The same for a client that the server still counts as its own; from now on it is this worker's.
absl::StatusOr<Connection> AdoptClient(absl::StatusOr<Parcel> parcel, ServerContext& context);

// How many clients wait to be received.
int CountClients(int outlet);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_CONNECTION_PASSING_H_
