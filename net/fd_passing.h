// Descriptors handed from process to process over a Unix socket (SCM_RIGHTS, see unix(7)), with a text beside them.
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

constexpr size_t kMaxPassedDescriptors = 8;
constexpr size_t kMaxPassedText = 4096;

struct Parcel {
  std::string text;
  std::vector<UniqueFd> descriptors;
};

// A pair of connected sockets that keep messages apart (SOCK_SEQPACKET).
absl::StatusOr<std::pair<UniqueFd, UniqueFd>> MakeParcelSockets();

// Sends copies of the descriptors; the caller keeps its own. Blocks while the socket is full.
absl::Status SendParcel(int socket, absl::string_view text, const std::vector<int>& descriptors);

// The same, but does not wait. Unavailable: the socket is full.
absl::Status SendParcelAtOnce(int socket, absl::string_view text, const std::vector<int>& descriptors);

// Waits for the next parcel. Cancelled: the other end was closed. Unavailable: the socket is non-blocking, and empty.
absl::StatusOr<Parcel> ReceiveParcel(int socket);

}  // namespace polyserve

#endif  // POLYSERVE_NET_FD_PASSING_H_
