// A client on its way to another process. To a worker that runs already it goes over a pair of Unix sockets
// (net/fd_passing.h): its descriptor, and the number of its listener as a text of fixed length, so that the number of
// bytes in the socket tells how many clients wait. To a Process that is started for it, it goes as descriptors and an
// argument.
//
//   parent:  accept ─▶ SendClient() ─▶ socket ─▶ AdoptClient() or TakeClient()  :worker
//   parent:  accept ─▶ PackClient() ─▶ Process::Start() ─▶ UnpackClient()       :the new process
//
// Both sides hold the same listeners in the same order. If a client is lost on the way to a worker (no descriptor is
// left for it, the socket is broken), the side that notices logs it and counts its end.
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

// The length of the text that goes with a client, in bytes: the index of its listener, padded with zeroes.
constexpr int kClientParcelBytes = 4;

// Sends a copy of the descriptor; the caller closes its own. Blocks while the socket is full: ask CountClients() first.
// On error the client is lost, and counted as ended.
absl::Status SendClient(int inlet, const Connection& client, ServerContext& context);

// Turns what SendClient() has sent into a client again. Unavailable: the parcel was not received, or is something else.
// Then a client is lost: this is logged, and its end is counted.
absl::StatusOr<Connection> TakeClient(absl::StatusOr<Parcel> parcel, ServerContext& context);

// The same for a client that counts in the server's row of the statistics: moves it to this worker's row, so that the
// parent knows what is lost if the worker is killed.
absl::StatusOr<Connection> AdoptClient(absl::StatusOr<Parcel> parcel, ServerContext& context);

// How many clients wait to be received. Does not block.
int CountClients(int outlet);

// A client as a Process is started with it (see Process::Start() in net/process.h), which may be a fresh image of the
// program, with nothing of the server's memory. It is also given the statistics, the server's inherited_fds, and the
// end of the grace if the server stops already.
struct ProcessArguments {
  std::vector<int> descriptors;  // Borrowed from the client, whose own is the first, and the context.
  std::string argument;
};
ProcessArguments PackClient(const Connection& client, const ServerContext& context);

// In that process: takes over what PackClient() packed, into the context, and returns the client. InvalidArgument: it
// was something else.
absl::StatusOr<Connection> UnpackClient(std::vector<UniqueFd> descriptors, absl::string_view argument,
                                        ServerContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_CONNECTION_PASSING_H_
