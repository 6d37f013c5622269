// Sockets of TCP, made the same way for every model: all options, the backlog and the time-outs are set here, so that
// a comparison of models is fair by construction.
#ifndef POLYSERVE_NET_SOCKET_H_
#define POLYSERVE_NET_SOCKET_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"

namespace polyserve {

// What can be tuned of a listening socket, and so of its connections. One for all listeners of a server.
struct ListenOptions {
  // Connections that the kernel has completed and the server has not accepted yet. Linux cuts it down to
  // net.core.somaxconn (4096 by default).
  int backlog = 4096;
  bool no_delay = true;  // TCP_NODELAY: small replies leave at once.
  // SO_RCVBUF and SO_SNDBUF, in bytes, of which Linux makes twice as many (socket(7)). 0: it adapts them to the load.
  int buffer_bytes = 0;
  // SO_SNDTIMEO, if it is shorter than the idle time-out: how long a blocking send waits before it comes back.
  absl::Duration send_timeout = absl::InfiniteDuration();
};

// The most that one read takes from a socket. 64 KiB keep bulk transfers at full speed; more does not pay.
constexpr size_t kReadBytes = 64 * 1024;

// A listening socket, non-blocking. Connections that are accepted from it inherit its options and, as SO_RCVTIMEO and
// SO_SNDTIMEO, the time-outs (never if they are infinite): Linux copies them, which saves some calls for each. Blocking
// calls on them fail with EAGAIN after it.
absl::StatusOr<UniqueFd> ListenTcp(const Endpoint& at, absl::Duration idle_timeout, const ListenOptions& options = {});

// One more listening socket on the address of `listener`: the kernel spreads new connections over all of them, by a
// hash of the addresses (SO_REUSEPORT, see socket(7)). Not by who has time: whoever sits in one's queue is not seen by
// the others, and is lost when it closes. The first one is marked as sharing only here, when it is bound already, so
// that a port that another program has is still noticed.
absl::StatusOr<UniqueFd> ListenBeside(int listener, absl::Duration idle_timeout, const ListenOptions& options);

// A blocking connection, for clients, to the first of the addresses that answers; they are tried in their order, and
// the last one's error is returned. The time-out bounds the connecting alone, with all of them together: each gets an
// equal share of what is left.
absl::StatusOr<UniqueFd> ConnectTcp(const Endpoints& to, absl::Duration timeout);

// Waits until a connection that was begun on a non-blocking socket is there, or is known not to come.
absl::Status AwaitConnected(int fd, const Endpoint& to, absl::Duration timeout);

// What became of such a connection, once poll(2) says that it is known: 0, or an error number. A socket that connects
// to a port where nobody listens, and happens to get that very port itself, is connected to itself (a simultaneous open
// with one end, RFC 9293, section 3.5): that is ECONNREFUSED here, and the socket keeps no port when it is closed.
int OutcomeOfConnecting(int fd);

// How long a blocking read of the socket waits before it fails with EAGAIN (SO_RCVTIMEO).
absl::Status SetReceiveTimeout(int fd, absl::Duration timeout);

// Puts a descriptor into non-blocking mode, or back.
absl::Status SetNonBlocking(int fd, bool non_blocking);

// True if a read, or an accept, would find something, without waiting for it.
bool IsReadable(int fd);

// Has the system refuse clients that try to connect to this listener from now on, as if nobody listened; those who have
// connected can still be accepted, and handshakes that have begun come to their end (see net/half_open.h). So nobody is
// lost between the last accept and the end of listening, who would be told that it is connected, and then be reset.
// Of listeners that share a port (SO_REUSEPORT), all have to be told: the kernel picks any of them if one is left.
// For threads and processes; needs no privilege. Calling it again changes nothing.
void RefuseNewClients(int listener);

}  // namespace polyserve

#endif  // POLYSERVE_NET_SOCKET_H_
