// What the processes of a server send to the host of its programs (programs/host.h), each in a parcel of its own
// (net/fd_passing.h).
#ifndef POLYSERVE_PROGRAMS_HOST_REQUEST_H_
#define POLYSERVE_PROGRAMS_HOST_REQUEST_H_

#include "absl/strings/string_view.h"

namespace polyserve {

// With the program's end of a socket: "start <number of the program> <the socket's name> <address of the client>".
constexpr absl::string_view kStartRequest = "start ";
// All input has been sent, and the program is about to see its end: "end <the socket's name>".
constexpr absl::string_view kEndRequest = "end ";
// The server stops.
constexpr absl::string_view kStopRequest = "stop";

}  // namespace polyserve

#endif  // POLYSERVE_PROGRAMS_HOST_REQUEST_H_
