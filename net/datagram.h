// Sockets of UDP. Two kinds: one that is bound and hears everybody, and one beside it, on the same address, that hears
// a single peer ("accepting" a peer, as far as UDP knows such a thing).
//
// How the kernel chooses among sockets on one address (compute_score() in net/ipv4/udp.c and net/ipv6/udp.c): one that
// is connected to the sender comes first, one that is connected to anybody else never; of all others the best match,
// and of equal ones the one that is found first. A socket has to be bound before it can be connected, and in between it
// would be as good a match as the first one, for everybody's datagrams. So it is made a worse one: it is a socket of
// IPv6 even where the address is IPv4 (a socket of the packet's own family scores higher), and is put at the end of the
// list (as the kernel does with those of IPv6 that share their port, SO_REUSEPORT). No datagram of others ever gets
// into it, then, unless the server is bound to all addresses, and the peer talks to one that routing would not choose.
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

// No datagram is larger, so that no buffer need be.
constexpr size_t kMaxDatagramBytes = 64 * 1024;

// Who talks to whom. The answer has to leave from where the datagram was sent to: a host has many addresses, and the
// peer takes no answer from another one.
struct DatagramPath {
  Endpoint peer;
  Endpoint local;  // Without port. Not set where the socket is bound to one address anyway.

  friend bool operator==(const DatagramPath& a, const DatagramPath& b) {
    return a.peer == b.peer && a.local == b.local;
  }
  template <typename H>
  friend H AbslHashValue(H hash, const DatagramPath& path) {
    return H::combine(std::move(hash), path.peer, path.local);
  }
};

// A socket that hears everybody; non-blocking. The kernel may queue some megabytes for it.
absl::StatusOr<UniqueFd> BindUdp(const Endpoint& at);

// For a socket that answers what comes, and those that are connected beside it: marks all that it sends as an answer,
// and has the kernel drop what comes with that mark. So two servers of this kind never answer each other, on whatever
// ports, though one forged datagram would make them begin. The mark is a code point of DSCP for local use (RFC 2474,
// section 6, pool 2), which networks treat as the default.
absl::Status NeverAnswerAnswers(int fd);

// Takes the next datagram, without waiting, into `buffer` of kMaxDatagramBytes. Returns its size, which may be 0; -1
// and errno where there is none (EAGAIN).
ssize_t ReceiveDatagram(int fd, char* buffer, DatagramPath& path);

// Sends one datagram along the path. Returns -1 and errno as sendmsg() does.
ssize_t SendDatagram(int fd, absl::string_view bytes, const DatagramPath& path);

// A socket of this path alone, on the address of `listener` (made by BindUdp); blocking. Whoever calls it does so from
// one thread for all sockets of a listener. `may_hold_others` is set in the one case where datagrams of other peers
// may have got into it before it was connected.
absl::StatusOr<UniqueFd> ConnectBeside(int listener, const DatagramPath& path, bool& may_hold_others);

// A socket of this path alone, on the address of `listener`, but on a port of its own; blocking.
absl::StatusOr<UniqueFd> ConnectFromNewPort(int listener, const DatagramPath& path);

// Makes such a socket (by ConnectBeside) deaf: what its peer sends from now on goes to the listener again. What has
// come before can still be received, and nothing more comes into the socket behind it: returns only when that holds,
// after some milliseconds. (The kernel first chooses a socket for a datagram, then puts it there; in between, another
// processor may turn the socket away and find it empty.)
absl::Status TurnAwayFromPeer(int fd);

}  // namespace polyserve

#endif  // POLYSERVE_NET_DATAGRAM_H_
