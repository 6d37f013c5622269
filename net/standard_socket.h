// StandardSocket: the socket that a program was given as its standard input, and mostly as its standard output and
// standard error as well. inetd(8) starts programs so, and systemd (StandardInput=socket): for each client, with the
// connection ("nowait", Accept=yes), or once, with the socket that clients come to ("wait", Accept=no).
//
//   inetd:  accept ─▶ fork ─▶ dup2(connection, 0), 1, 2 ─▶ exec          program:  TakeStandardSocket()
#ifndef POLYSERVE_NET_STANDARD_SOCKET_H_
#define POLYSERVE_NET_STANDARD_SOCKET_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "net/socket.h"

namespace polyserve {

struct StandardSocket {
  UniqueFd fd;                 // Closed on exec. Empty: there is none.
  bool is_connection = false;  // A peer is at its other end. Otherwise it listens, or takes datagrams from any peer.
  bool has_datagrams = false;
};

// Takes the socket over under another number, and puts /dev/null in its place: at 0, and at 1 and 2 if they are the
// same socket, so that no line of a log reaches the peer. Call it before there are threads, and before anything is
// written. InvalidArgument, with a text for the user, and nothing has changed: standard input is no socket of the
// internet or of UNIX, or one that neither listens nor has a peer.
absl::StatusOr<StandardSocket> TakeStandardSocket();

// Gives a connection that another program has accepted the options that the connections of our own listeners have, as
// far as they still can be set; see ListenOptions. Makes it blocking.
absl::Status TuneConnection(int connection, absl::Duration idle_timeout, const ListenOptions& options);

}  // namespace polyserve

#endif  // POLYSERVE_NET_STANDARD_SOCKET_H_
