// What the kernel knows of TCP sockets, told to any process of the network namespace (sock_diag(7)), also to one that
// has no descriptor of them: how many clients wait at a listener to be accepted, and what a connection has carried. So
// a report has these figures without any counting on the way of the data, and from a process that serves one client
// alone.
//
// Any thread; no call waits. All return nothing if the system does not tell: it has no sock_diag, or a sandbox forbids
// it.
#ifndef POLYSERVE_NET_TCP_SOCKETS_H_
#define POLYSERVE_NET_TCP_SOCKETS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/endpoint.h"

namespace polyserve {

struct ListenQueue {
  Endpoint at;       // Several that share a port (SO_REUSEPORT) have the same.
  int64_t waiting;   // Connections that no accept(2) has taken yet,
  int64_t capacity;  // and the most: the backlog of listen(2), as the kernel has bounded it.
};

// All listeners; some ten microseconds, and one for each of them.
std::vector<ListenQueue> ListListenQueues();

// Our end of a connection. All in bytes.
struct TcpConnection {
  uint16_t port;         // Ours.
  Endpoint peer;         // An IPv4 address that reached a socket of IPv6 is an IPv4 address.
  int64_t received;      // That have come,
  int64_t unread;        // of which the server has not read these yet.
  int64_t acknowledged;  // That the peer's system has,
  int64_t unsent;        // and those that it has not acknowledged yet.
};

// Connections that are open, of any port. The kernel walks its table of all sockets, and makes a message for each
// connection: about a millisecond for a thousand. It ends after `most`, so with more connections than that the list is
// of some of them.
std::vector<TcpConnection> ListTcpConnections(size_t most);

}  // namespace polyserve

#endif  // POLYSERVE_NET_TCP_SOCKETS_H_
