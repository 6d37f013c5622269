// Flush: sends what is at the front of an Output, with as few calls as possible. Both kinds of sockets: with a
// blocking one it also returns, as kBudget or kBlocked, when a wait was ended by its time-out or by a signal.
//
//   pieces of memory   one send(2) or sendmsg(2) for all of them; with MSG_MORE if a file follows, so that the head of
//                      a reply shares a packet with it
//   range of a file    sendfile(2): from the page cache to the socket, without a copy through this process
#ifndef POLYSERVE_BACKENDS_CONNECTION_FLUSH_H_
#define POLYSERVE_BACKENDS_CONNECTION_FLUSH_H_

#include <cstdint>

#include "net/connection_table.h"
#include "net/statistics.h"
#include "protocol/output.h"

namespace polyserve {

enum class Flushed {
  kAll,      // Nothing is left to send; there may be a task, or a closing.
  kBudget,   // There is more to send, and the socket may well take it: come back after the others' turn.
  kBlocked,  // The socket takes no more for now. It is full, so an edge will report that it has room again.
  kBroken,   // The peer is gone, or what was announced cannot be delivered: drop the connection.
};

// Adds the requests and errors that the session has counted since the last call to the server's statistics, and the
// requests to the connection's entry. Flush() does it by itself; for drivers that send in another way.
void CountRequests(Output& output, Counters& counters, ConnectionTable::Entry& entry);
// The same for a UDP peer, which has no entry.
void CountRequests(Output& output, Counters& counters);

// Closes our side of the socket if the session wants that (Output::HalfClose()). REQUIRES: all output is sent. Flush()
// does it by itself as well.
void HalfClose(int fd, Output& output);

// Sends until one of the above, and takes what is sent out of the output. `budget` is in bytes and bounds how long
// other clients wait: a piece of memory at the front is sent whole, so that one call may exceed it by that. Counts the
// bytes and the requests. Does not block if the socket does not, with one exception: sendfile(2) waits for the disk if
// the file is not in memory (see Offload). Errors of the socket are not logged: a peer may leave at any time.
Flushed Flush(int fd, Output& output, int64_t budget, Counters& counters, ConnectionTable::Entry& entry);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_FLUSH_H_
