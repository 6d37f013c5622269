// Descriptors handed from process to process over a Unix socket (SCM_RIGHTS, see unix(7)), with a text beside them. The
// receiver gets copies: new numbers for the same open files. What is in the socket when its last end closes is closed
// by the kernel.
//
//   parent:  SendParcel(socket, "0003", {fd})          child:  parcel = ReceiveParcel(socket)
//
// Parcels are kept apart and in order. Several processes may receive from one socket: each parcel goes to one of them.
#ifndef POLYSERVE_NET_FD_PASSING_H_
#define POLYSERVE_NET_FD_PASSING_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace polyserve {

// Bounds of a parcel; the sender CHECKs them. The kernel's own bound is 253 descriptors (SCM_MAX_FD).
constexpr size_t kMaxPassedDescriptors = 8;
constexpr size_t kMaxPassedText = 4096;  // In bytes, and at least one: an empty message would read as the end.

struct Parcel {
  std::string text;
  std::vector<UniqueFd> descriptors;
};

// A pair of connected, blocking sockets that keep messages apart (SOCK_SEQPACKET). Both ends send and receive.
absl::StatusOr<std::pair<UniqueFd, UniqueFd>> MakeParcelSockets();

// Sends copies of the descriptors; the caller keeps its own. Blocks while the socket is full, also across signals, and
// for some seconds while more descriptors than RLIMIT_NOFILE are under way, of all programs of this user (unix(7)):
// they will arrive. ResourceExhausted: they have not. Fails if the other end is closed.
absl::Status SendParcel(int socket, absl::string_view text, const std::vector<int>& descriptors);

// The same, but does not wait. Unavailable: the socket is full. ResourceExhausted: too many descriptors are under way.
absl::Status SendParcelAtOnce(int socket, absl::string_view text, const std::vector<int>& descriptors);

// Waits for the next parcel, also across signals. The descriptors have close-on-exec set.
//   Cancelled          the other end was closed, and all parcels were received
//   Unavailable        the socket is non-blocking, and empty
//   ResourceExhausted  the process has too few descriptors left: this parcel is lost, with all that was in it
absl::StatusOr<Parcel> ReceiveParcel(int socket);

}  // namespace polyserve

#endif  // POLYSERVE_NET_FD_PASSING_H_
