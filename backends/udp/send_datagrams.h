// SendDatagrams: sends the datagrams at the front of an Output, in their order.
#ifndef POLYSERVE_BACKENDS_UDP_SEND_DATAGRAMS_H_
#define POLYSERVE_BACKENDS_UDP_SEND_DATAGRAMS_H_

#include "absl/time/time.h"
#include "net/datagram.h"
#include "net/statistics.h"
#include "protocol/output.h"

namespace polyserve {

// What waits for a socket that takes no more, and is not told when it does again, is tried again after this time.
constexpr absl::Duration kRetryBlocked = absl::Milliseconds(5);

// Sends until nothing is left (true), or the socket takes no more for now (false); a blocking socket takes all. Where
// `path` is null, the socket is connected to the peer. A datagram that cannot be sent is dropped, as it may be lost
// anywhere on its way: it is too long, or the peer has gone. Neither ends anything.
bool SendDatagrams(int fd, const DatagramPath* path, Output& output, Counters& counters);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_SEND_DATAGRAMS_H_
