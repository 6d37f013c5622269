#include "net/tcp_bytes.h"

#include <linux/tcp.h>  // Not netinet/tcp.h, whose tcp_info ends before these counts.
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace polyserve {

// The kernel copies as much of tcp_info as it has, and sets the size to that; fields were only ever added at the end.
// An old kernel thus leaves our zeroes in place, which would pass for a peer that never acknowledges anything.
std::optional<TcpBytes> ReadTcpBytes(int fd) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  // An older kernel fills in less.
  if (size < offsetof(tcp_info, tcpi_notsent_bytes) + sizeof(info.tcpi_notsent_bytes)) return std::nullopt;
  return TcpBytes{.acknowledged = static_cast<int64_t>(info.tcpi_bytes_acked),
                  .received = static_cast<int64_t>(info.tcpi_bytes_received),
                  .has_unacknowledged = info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0};
}

// SO_LINGER with a time of zero turns close(2) into an abort (RFC 9293, section 3.10.5; socket(7)).
void ResetOnClose(int fd) {
  const linger at_once = {1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

}  // namespace polyserve
