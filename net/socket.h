// TCP sockets. All options, the backlog and the time-outs are set here, the same for every model, so that a comparison
// of models is fair by construction.
#ifndef POLYSERVE_NET_SOCKET_H_
#define POLYSERVE_NET_SOCKET_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"

namespace polyserve {

// Options of a listening socket, which its connections inherit. All listeners of a server have the same.
struct ListenOptions {
  // Bound of the accept queue: connections that are established but not accepted yet. Linux caps it at
  // net.core.somaxconn (4096 by default).
  int backlog = 4096;
  bool no_delay = true;  // TCP_NODELAY: small replies leave at once.
  // SO_RCVBUF and SO_SNDBUF, in bytes; Linux doubles the value (socket(7)). 0: the kernel tunes them automatically.
  int buffer_bytes = 0;
  // SO_SNDTIMEO, if shorter than the idle time-out: how long a blocking send waits before it fails with EAGAIN.
  absl::Duration send_timeout = absl::InfiniteDuration();
  // SO_KEEPALIVE: after this silence the kernel asks the peer's system whether the connection is still there. Without
  // an answer it asks kKeepAliveProbes times in all, a quarter of this time apart, and then the connection is lost
  // (ETIMEDOUT). At least a second and at most kMaxKeepAlive; infinite: it never asks.
  absl::Duration keep_alive = absl::Minutes(2);
  // SO_TIMESTAMPNS: recvmsg(2) then tells when the last byte that it returns has come to this machine. The kernel looks
  // at the clock for every packet of the machine as long as any socket wants that.
  bool stamps_arrivals = false;
};

// So a peer that is gone is noticed after twice ListenOptions::keep_alive.
constexpr int kKeepAliveProbes = 4;
// What Linux takes for TCP_KEEPIDLE (MAX_TCP_KEEPIDLE, net/tcp.h), some nine hours.
constexpr absl::Duration kMaxKeepAlive = absl::Seconds(32767);

// Buffer size of one read. 64 KiB keep bulk transfers at full speed; more brings no gain.
constexpr size_t kReadBytes = 64 * 1024;

// Returns a non-blocking listening socket. Linux copies its options to accepted connections, including SO_RCVTIMEO and
// SO_SNDTIMEO (unless infinite), which saves several calls per connection. A blocking call on such a connection fails
// with EAGAIN after the time-out.
absl::StatusOr<UniqueFd> ListenTcp(const Endpoint& at, absl::Duration idle_timeout, const ListenOptions& options = {});

// Gives a listening socket that an earlier server or a service manager has made these options, as far as a socket that
// listens already takes them (not the size of its buffers). They hold for every process that has the socket.
absl::Status TuneListener(int listener, absl::Duration idle_timeout, const ListenOptions& options);

// Returns one more listening socket on the address of `listener`. The kernel distributes new connections over all of
// them by a hash of the addresses (SO_REUSEPORT, see socket(7)), regardless of which one is idle: the others do not see
// the connections in one's queue, and these are reset if it closes. The first listener is marked as sharing only here,
// after it was bound, so that a port in use by another program is still detected.
absl::StatusOr<UniqueFd> ListenBeside(int listener, absl::Duration idle_timeout, const ListenOptions& options);

// Returns a blocking connection, for clients, to the first address that answers. The addresses are tried in order; if
// all fail, the last one's error is returned. The time-out bounds connecting to all of them together: each attempt gets
// an equal share of the time left.
absl::StatusOr<UniqueFd> ConnectTcp(const Endpoints& to, absl::Duration timeout);

// Waits until a connection attempt on a non-blocking socket has succeeded or failed.
absl::Status AwaitConnected(int fd, const Endpoint& to, absl::Duration timeout);

// The result of such an attempt, once poll(2) reports the socket writable: 0 or an errno. A socket that connects to a
// port without a listener, and is itself given that port, is connected to itself (a simultaneous open, RFC 9293,
// section 3.5): reported as ECONNREFUSED, and the socket will not hold the port in TIME_WAIT when it is closed.
int OutcomeOfConnecting(int fd);

// How long a blocking read of the socket waits before it fails with EAGAIN (SO_RCVTIMEO).
absl::Status SetReceiveTimeout(int fd, absl::Duration timeout);

// Puts a descriptor into non-blocking mode, or back.
absl::Status SetNonBlocking(int fd, bool non_blocking);

// True if a read, or an accept, would find something, without waiting for it.
bool IsReadable(int fd);

// From now on the kernel refuses clients that try to connect to this listener, as if nothing listened there.
// Connections in the accept queue can still be accepted, and handshakes in progress complete (see net/half_open.h). So
// no client is told that it is connected and then reset because it arrived between the last accept and the end of
// listening. If listeners share a port (SO_REUSEPORT), call this for all of them: the kernel picks any of the group as
// long as one is left. Affects the socket in all threads and processes; needs no privilege; idempotent.
void RefuseNewClients(int listener);

}  // namespace polyserve

#endif  // POLYSERVE_NET_SOCKET_H_
