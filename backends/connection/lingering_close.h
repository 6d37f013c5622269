// The lingering close: why, and for how long, a connection is read after our side has closed it. If a socket is closed
// while unread bytes wait in it, or arrive later, the kernel answers with a reset, and a reset makes the peer's kernel
// discard the reply that its program has not read yet (RFC 9112, section 9.6, describes this for HTTP). So the side
// that closes first shuts down its sending half, and then reads and discards for a while. The number of bytes needs no
// bound: the time bounds the work, and nothing is kept. While the server stops, the wait ends with the grace
// (net/signals.h) at the latest; after that, only what has already come is discarded. Not to be confused with
// SO_LINGER.
#ifndef POLYSERVE_BACKENDS_CONNECTION_LINGERING_CLOSE_H_
#define POLYSERVE_BACKENDS_CONNECTION_LINGERING_CLOSE_H_

#include <sys/socket.h>

#include "absl/time/time.h"

namespace polyserve {

constexpr absl::Duration kLingeringCloseTimeout = absl::Seconds(2);

// Discards what has come, within reason, without waiting for more.
inline void DiscardUnread(int fd) {
  char buffer[4096];
  for (int i = 0; i < 64 && ::recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) > 0; ++i) {
  }
}

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_LINGERING_CLOSE_H_
