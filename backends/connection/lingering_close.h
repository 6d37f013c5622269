// How long a closing connection is still read. A socket that is closed while unread bytes wait in it, or come after,
// answers with a reset, and a reset makes the peer's kernel throw away the reply that it has not read yet (RFC 9112,
// section 9.6, tells the same for HTTP). So whoever closes first stops sending, and then reads and discards for a
// while. No bound on the bytes is needed: the time bounds the work, and they are not kept. While the server stops, it
// ends with the grace (net/signals.h) at the latest; after that, only what has come already is discarded.
#ifndef POLYSERVE_BACKENDS_CONNECTION_LINGERING_CLOSE_H_
#define POLYSERVE_BACKENDS_CONNECTION_LINGERING_CLOSE_H_

#include <sys/socket.h>

#include "absl/time/time.h"

namespace polyserve {

constexpr absl::Duration kLingerTime = absl::Seconds(2);

// Discards what has come, within reason, without waiting for more.
inline void DiscardUnread(int fd) {
  char buffer[4096];
  for (int i = 0; i < 64 && ::recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) > 0; ++i) {
  }
}

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_LINGERING_CLOSE_H_
