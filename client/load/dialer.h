// Dialer: connects to one server any number of times, even if one local address has too few ports for that.
//
// A connection is identified by the addresses and ports of both ends, so one local address can have some 28,000
// connections to the same server (ip_local_port_range, ip(7)), and fewer while old ones are in TIME_WAIT, which holds a
// port for a minute on the side that closed first. If the server is on this machine (127.0.0.0/8), the dialer continues
// from 127.0.0.2, 127.0.0.3, ... when the ports of an address have run out; until then it costs nothing. For other
// servers that is not possible.
//
//   UniqueFd fd = dialer.Start();              // Wait until it is writable, with epoll(7) for example.
//   if (dialer.Outcome(fd.get()) == 0) ...     // It is connected.
#ifndef POLYSERVE_CLIENT_LOAD_DIALER_H_
#define POLYSERVE_CLIENT_LOAD_DIALER_H_

#include <sys/socket.h>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"

namespace polyserve {

// One object for each thread. Sockets have TCP_NODELAY: with Nagle's algorithm, the second of two small requests would
// wait for the acknowledgement of the first, and the times would be those of the generator's kernel.
class Dialer {
 public:
  // The number of local addresses that it goes through before it starts again: 2.8 million connections.
  static constexpr int kMaxSources = 100;

  // `type` is SOCK_STREAM, or SOCK_DGRAM for datagrams: a "connection" is then a socket that sends to the server alone,
  // and receives from it alone.
  explicit Dialer(const Endpoint& to, int type = SOCK_STREAM);

  // Starts to connect, and returns a non-blocking socket, which is writable when that has succeeded or failed. Not ok()
  // if it fails at once; errno says why: EADDRNOTAVAIL if no port is free, EMFILE, ENOBUFS, ...
  UniqueFd Start();

  // The result of Start(), once the socket is writable: 0 or an errno. Takes one more system call if the server's port
  // is in the range of local ports, because the socket may then have connected to itself; see OutcomeOfConnecting().
  int Outcome(int fd) const;

  // Blocks until the connection is made, and returns a non-blocking socket. Tries again while no port is free. Returns
  // Unavailable if it is not made within `timeout`.
  absl::StatusOr<UniqueFd> Connect(absl::Duration timeout);

 private:
  // Start() from 127.0.0.(source + 1), or from the system's choice if that is 0.
  UniqueFd StartFrom(int source);

  const Endpoint to_;
  const int type_;
  const bool is_local_;
  const bool may_be_own_port_;
  int source_ = 0;  // The last one that had a free port. 0: the system chooses the address.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_DIALER_H_
