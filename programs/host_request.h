// What the processes of a server send to the host of its programs (programs/host.h), each in a parcel of its own
// (net/fd_passing.h).
#ifndef POLYSERVE_PROGRAMS_HOST_REQUEST_H_
#define POLYSERVE_PROGRAMS_HOST_REQUEST_H_

#include "absl/strings/string_view.h"

namespace polyserve {

// With the program's end of a socket: "start <number of the program> <address of the client>".
constexpr absl::string_view kStartRequest = "start ";
// The server stops.
constexpr absl::string_view kStopRequest = "stop";

}  // namespace polyserve

#endif  // POLYSERVE_PROGRAMS_HOST_REQUEST_H_
