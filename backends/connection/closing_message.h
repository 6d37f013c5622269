// SendClosingMessage: a session's last words on a connection that the server ends although it could have gone on: the
// peer has been silent for too long, the server stops, or a member of a room does not keep up.
#ifndef POLYSERVE_BACKENDS_CONNECTION_CLOSING_MESSAGE_H_
#define POLYSERVE_BACKENDS_CONNECTION_CLOSING_MESSAGE_H_

#include <sys/socket.h>
#include <sys/types.h>

#include "absl/strings/string_view.h"
#include "backends/connection/conversation.h"
#include "net/statistics.h"

namespace polyserve {

// Sends Conversation::closing_message(), which is empty if a reply is half sent, so that the words never end up within
// it. Call it just before the socket is closed, whatever the reason for that; drivers do so in their destructors, so
// that no way to end a connection misses it. Counts the bytes. Never blocks, even if the socket does (MSG_DONTWAIT),
// and reports no error: a peer that cannot take the words misses only the explanation. So it does if unread input turns
// the close into a reset (see lingering_close.h): the words are not worth a wait.
inline void SendClosingMessage(int fd, const Conversation& conversation, Counters& counters) {
  const absl::string_view closing_message = conversation.closing_message();
  if (closing_message.empty()) return;
  const ssize_t sent = ::send(fd, closing_message.data(), closing_message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) Counters::Add(counters.bytes_out, sent);
}

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_CLOSING_MESSAGE_H_
