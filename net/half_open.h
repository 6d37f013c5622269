// HasHalfOpenConnections: whether a client is just connecting. When a listener closes, the kernel resets the handshakes
// that are half done, although the client may have got our SYN-ACK by then: for that client the connection is
// established, and it may have sent a request. On a busy machine a handshake takes milliseconds, as softirqs wait for a
// processor too. Asks the kernel's socket diagnosis, sock_diag(7), as ss(8) does.
#ifndef POLYSERVE_NET_HALF_OPEN_H_
#define POLYSERVE_NET_HALF_OPEN_H_

namespace polyserve {

// True if a handshake with the port of this TCP listener is half done, with this listener or with another one of the
// port (SO_REUSEPORT). False also if the kernel has no socket diagnosis. Walks the kernel's table of connections
// (milliseconds if that is large); may be called in any thread.
bool HasHalfOpenConnections(int listener);

}  // namespace polyserve

#endif  // POLYSERVE_NET_HALF_OPEN_H_
