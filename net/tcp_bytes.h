// ReadTcpBytes: what the kernel counts of a TCP connection. A socket that takes bytes says only that the kernel has
// room for them; whether the peer's system receives them is shown by its acknowledgements. Even these do not prove that
// the program there has read the bytes: its kernel may hold them, up to its receive buffer.
#ifndef POLYSERVE_NET_TCP_BYTES_H_
#define POLYSERVE_NET_TCP_BYTES_H_

#include <cstdint>
#include <optional>

namespace polyserve {

struct TcpBytes {
  int64_t acknowledged = 0;  // Bytes that we sent and the peer's system has acknowledged, since the connection began.
  int64_t received = 0;      // Bytes that have come, in order, whether they were read or not.
  bool has_unacknowledged = false;  // Some of what was handed to the kernel is not acknowledged yet.
};

// The counts at this moment. One system call (TCP_INFO, see tcp(7)), which does not block. Nothing if the descriptor is
// no TCP connection, or the kernel is too old to count.
std::optional<TcpBytes> ReadTcpBytes(int fd);

// Has the close of the connection discard what the kernel still holds for the peer, and tell the peer by a reset: it
// sees at once that a reply was cut short, and the kernel keeps no memory for a peer that takes too long. Without it
// the kernel would go on sending for minutes after the close, and end with a FIN, as if the reply were complete.
void ResetOnClose(int fd);

}  // namespace polyserve

#endif  // POLYSERVE_NET_TCP_BYTES_H_
