// SendDatagrams: sends the datagrams at the front of an Output, in their order.
#ifndef POLYSERVE_BACKENDS_UDP_SEND_DATAGRAMS_H_
#define POLYSERVE_BACKENDS_UDP_SEND_DATAGRAMS_H_

#include "absl/time/time.h"
#include "net/datagram.h"
#include "net/statistics.h"
#include "protocol/output.h"

namespace polyserve {

// How soon a send that blocked is tried again if no event reports that there is room. Short beside what a peer notices;
// a socket's buffer drains at the speed of the network within a few milliseconds.
constexpr absl::Duration kRetryBlocked = absl::Milliseconds(5);

// Sends until nothing is left (true), or the socket takes no more for now (false); a blocking socket takes all. Takes
// what is sent out of the output, and counts bytes and requests. `path` is null if the socket is connected to the peer.
// A datagram that cannot be sent, since it is too long or the peer has gone, is dropped as if it had been lost on its
// way: no error is reported, and the conversation goes on.
bool SendDatagrams(int fd, const DatagramPath* path, Output& output, Counters& counters);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_SEND_DATAGRAMS_H_
