// A client on its way to another process. To a worker that runs already it goes over a pair of Unix sockets
// (net/fd_passing.h): its descriptor, and the number of its listener as a text of fixed length, so that the bytes in
// the socket tell how many clients wait. To a Process that is started for it, it goes as descriptors and an argument.
//
//   parent:  accept ─▶ SendClient() ─▶ socket ─▶ AdoptClient() or TakeClient()  :worker
//   parent:  accept ─▶ PackClient() ─▶ Process::Start() ─▶ UnpackClient()       :the new process
//
// Both sides hold the same listeners in the same order. A client that is lost on the way to a worker (no descriptor is
// left for it, the socket is broken) is logged and counted as ended by the side that notices.
#ifndef POLYSERVE_BACKENDS_ACCEPT_CONNECTION_PASSING_H_
#define POLYSERVE_BACKENDS_ACCEPT_CONNECTION_PASSING_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/accept/server_context.h"
#include "base/unique_fd.h"
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

// A client as a Process is started with it (see Process::Start() in net/process.h), which may be a fresh image of the
// program, with nothing of the server's memory. It is also given the statistics, the server's inherited_fds, and the
// end of the grace if the server stops already.
struct ProcessArguments {
  std::vector<int> descriptors;  // Borrowed from the client and the context.
  std::string argument;
};
ProcessArguments PackClient(const Connection& client, const ServerContext& context);

// In that process: takes over what PackClient() packed, into the context, and returns the client. InvalidArgument: it
// was something else.
absl::StatusOr<Connection> UnpackClient(std::vector<UniqueFd> descriptors, absl::string_view argument,
                                        ServerContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_CONNECTION_PASSING_H_
