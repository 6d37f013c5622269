// UDP sockets of two kinds: an unconnected one that receives from all peers, and connected ones beside it, on the same
// address, that receive from a single peer each ("accepting" a peer, as far as UDP knows such a thing).
//
// How the kernel chooses among sockets on one address (compute_score() in net/ipv4/udp.c and net/ipv6/udp.c): a socket
// connected to the sender wins, one connected to another peer never matches; of the others the best match wins, and of
// equal ones the first in the list. A socket has to be bound before it can be connected, and in between it would match
// every peer's datagrams as well as the unconnected one does. So it is made a worse match: it is an IPv6 socket even if
// the address is IPv4 (a socket of the packet's own family scores higher), and goes to the end of the list (as IPv6
// sockets that share their port, SO_REUSEPORT, do). It then never receives other peers' datagrams, unless the server is
// bound to all addresses and the peer talks to one that routing would not choose.
#ifndef POLYSERVE_NET_DATAGRAM_H_
#define POLYSERVE_NET_DATAGRAM_H_

#include <sys/types.h>

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"

namespace polyserve {

// The largest possible datagram, and so the buffer size: the length field of UDP has 16 bits (RFC 768).
constexpr size_t kMaxDatagramBytes = 64 * 1024;

// What the kernel may queue for one peer, in bytes, until its session looks: in the peer's own socket, and again in the
// channel through which the session gets what reached the listener instead.
constexpr int kPeerQueueBytes = 1 << 20;

// The two ends of an exchange. A reply has to leave from the address that the datagram was sent to: a host has many
// addresses, and the peer accepts no reply from another one.
struct DatagramPath {
  Endpoint peer;
  Endpoint local;  // Without a port. Not set if the socket is bound to a single address.

  friend bool operator==(const DatagramPath& a, const DatagramPath& b) {
    return a.peer == b.peer && a.local == b.local;
  }
  template <typename H>
  friend H AbslHashValue(H hash, const DatagramPath& path) {
    return H::combine(std::move(hash), path.peer, path.local);
  }
};

// Returns an unconnected, non-blocking socket. The kernel may queue some megabytes for it.
absl::StatusOr<UniqueFd> BindUdp(const Endpoint& at);

// Gives a socket that another program has bound to this address the options that BindUdp() sets. They hold for every
// process that has the socket.
absl::Status TuneUdp(int fd, const Endpoint& at);

// For a socket whose service replies to datagrams, and those connected beside it: marks everything it sends as a reply,
// and has the kernel drop incoming datagrams with that mark. Without it, one forged datagram would make two such
// servers reply to each other for ever, on any ports. The mark is a DSCP code point for local use (RFC 2474, section 6,
// pool 2), which networks treat as the default.
absl::Status NeverAnswerAnswers(int fd);

// Receives the next datagram into `buffer`, of kMaxDatagramBytes, without blocking. Returns its size, which may be 0,
// or -1 and errno (EAGAIN if there is none).
ssize_t ReceiveDatagram(int fd, char* buffer, DatagramPath& path);

// Sends one datagram along the path. Returns -1 and errno as sendmsg() does.
ssize_t SendDatagram(int fd, absl::string_view bytes, const DatagramPath& path);

// Returns a blocking socket connected for this path, on the address of `listener` (from BindUdp). Call it from one
// thread for all sockets of a listener. Sets `may_hold_others` in the one case in which datagrams of other peers may
// have got into the socket before it was connected.
absl::StatusOr<UniqueFd> ConnectBeside(int listener, const DatagramPath& path, bool& may_hold_others);

// Returns a blocking socket connected for this path, on the address of `listener`, but on a port of its own.
absl::StatusOr<UniqueFd> ConnectFromNewPort(int listener, const DatagramPath& path);

// Returns an unconnected socket on the address and port of a socket from ConnectFromNewPort(). It receives what others
// than that one's peer send there, which the kernel would otherwise refuse (ICMP "port unreachable"). It queues a few
// kilobytes.
absl::StatusOr<UniqueFd> BindForStrays(int connected);

// Stops a socket from ConnectBeside from receiving: from now on the peer's datagrams go to the listener again.
// Datagrams that arrived before can still be read. Returns only when no more can get into the socket, after some
// milliseconds: the kernel first chooses a socket for a datagram and then queues it there, and in between another
// processor may disconnect the socket and find it empty.
absl::Status TurnAwayFromPeer(int fd);

}  // namespace polyserve

#endif  // POLYSERVE_NET_DATAGRAM_H_
