// SendClosingMessage: a session's last word, where the server ends a conversation that could have gone on. For every
// driver.
#ifndef POLYSERVE_BACKENDS_CONNECTION_CLOSING_MESSAGE_H_
#define POLYSERVE_BACKENDS_CONNECTION_CLOSING_MESSAGE_H_

#include <sys/socket.h>
#include <sys/types.h>

#include "absl/strings/string_view.h"
#include "backends/connection/conversation.h"
#include "net/statistics.h"

namespace polyserve {

// Sends it, if the session has one and the socket takes it at once. To be called where all output is sent, before the
// socket is closed; a session that has come to its end by itself has none.
inline void SendClosingMessage(int fd, const Conversation& conversation, Counters& counters) {
  const absl::string_view closing_message = conversation.closing_message();
  if (closing_message.empty()) return;
  const ssize_t sent = ::send(fd, closing_message.data(), closing_message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) Counters::Add(counters.bytes_out, sent);
}

// Says it when it goes, where it is due then: for coroutines, which may be destroyed wherever they wait.
class ClosingMessage {
 public:
  ClosingMessage(int fd, const Conversation& conversation, Counters& counters)
      : fd_(fd), conversation_(conversation), counters_(counters) {}
  ~ClosingMessage() {
    if (is_due_) SendClosingMessage(fd_, conversation_, counters_);
  }
  ClosingMessage(const ClosingMessage&) = delete;
  ClosingMessage& operator=(const ClosingMessage&) = delete;

  // All output is sent, or not.
  void set_due(bool is_due) { is_due_ = is_due; }

 private:
  const int fd_;
  const Conversation& conversation_;
  Counters& counters_;
  bool is_due_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_CLOSING_MESSAGE_H_
