// SendClosingMessage: a session's last word if the server ends a connection that could have gone on.
#ifndef POLYSERVE_BACKENDS_CONNECTION_CLOSING_MESSAGE_H_
#define POLYSERVE_BACKENDS_CONNECTION_CLOSING_MESSAGE_H_

#include <sys/socket.h>
#include <sys/types.h>

#include "absl/strings/string_view.h"
#include "backends/connection/conversation.h"
#include "net/statistics.h"

namespace polyserve {

// Sends it if there is one (Conversation::closing_message()) and the socket takes it at once. To be called before the
// socket is closed.
inline void SendClosingMessage(int fd, const Conversation& conversation, Counters& counters) {
  const absl::string_view closing_message = conversation.closing_message();
  if (closing_message.empty()) return;
  const ssize_t sent = ::send(fd, closing_message.data(), closing_message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) Counters::Add(counters.bytes_out, sent);
}

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_CLOSING_MESSAGE_H_
