// TakeDatagramSteps: the steps of a conversation over datagrams (backends/connection/conversation.h) that do not depend
// on how its driver waits. All three drivers of datagrams use it: a worker for each peer
// (backends/blocking/udp_driver), a connected socket for each peer (connected_peers), and one socket for all peers
// (udp_socket).
#ifndef POLYSERVE_BACKENDS_UDP_DATAGRAM_STEPS_H_
#define POLYSERVE_BACKENDS_UDP_DATAGRAM_STEPS_H_

#include "backends/connection/conversation.h"
#include "net/datagram.h"
#include "net/statistics.h"
#include "protocol/output.h"

namespace polyserve {

// Sends, runs tasks, and shows mail and the time to the session, up to the first step that is the driver's:
//
//   kRead      All is sent. Pass the next datagram to Conversation::OnDatagram(), or wait for one.
//   kReadLast  All is sent. Pass the next datagram to Conversation::OnDatagram() if it has arrived already; else end.
//   kSend      The socket takes no more for now. What is left stays in `output`; call again when there is room.
//   kResume    There is more mail than fits into one output: call again after the turn of the other peers.
//   kSetTimer  Set the session's timer to Conversation::TakeTimer().
//   kEnd       The conversation is over. What is left in `output`, if anything, is to be dropped.
//
// Tasks run in place and so keep the thread's other peers waiting; a Pause() does not pause, since
// datagrams are not acknowledged. `path` as in SendDatagrams(). Does not block if the socket does not.
Step TakeDatagramSteps(Conversation& conversation, int fd, const DatagramPath* path, Output& output,
                       Counters& counters);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_DATAGRAM_STEPS_H_
