#include "backends/blocking_driver.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "backends/conversation.h"
#include "backends/datagram_driver.h"
#include "backends/linger.h"
#include "backends/transmit.h"
#include "net/deadline.h"
#include "net/signals.h"
#include "net/socket.h"

namespace polyserve {

namespace {

class BlockingConversation {
 public:
  BlockingConversation(Connection connection, ServeContext& context)
      : fd_(std::move(connection.fd)),
        counters_(context.statistics.counters()),
        conversation_(connection.listener->make_session()) {}

  ~BlockingConversation() { Counters::Add(counters_.ended, 1); }

  void Run() {
    while (Receive() && Answer()) {
    }
  }

 private:
  // Waits for input and shows it to the session. False where the conversation is over.
  bool Receive() {
    char buffer[kReadBytes];
    while (true) {
      // While the server stops, a peer that is between requests is read once more, but not waited for.
      const bool last_look = Signals::stopping() && conversation_.idle();
      const ssize_t count = ::recv(fd_.get(), buffer, sizeof(buffer), last_look ? MSG_DONTWAIT : 0);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return false;  // Reset, the time-out, or the end of the last look.
      if (count == 0) {
        conversation_.OnEnd(output_);
      } else {
        Counters::Add(counters_.bytes_in, count);
        conversation_.OnBytes(absl::string_view(buffer, static_cast<size_t>(count)), output_);
      }
      return true;
    }
  }

  // Performs all output, and what it held up. False where the conversation is over.
  bool Answer() {
    do {
      if (!Perform()) return false;
      if (conversation_.ended()) return false;  // The peer has closed its side, so nothing can be lost any more.
      if (output_.closing()) {
        Linger();
        return false;
      }
    } while (conversation_.Resume(output_));
    return true;
  }

  bool Perform() {
    while (true) {
      if (Transmit(fd_.get(), output_, INT64_MAX, counters_) != Transmitted::kAll) return false;
      if (!output_.has_work()) return true;
      output_.TakeWork()(output_);  // Blocking work is what this driver is made for.
    }
  }

  // Closes our side, and waits a moment for the peer to close its own; see backends/linger.h.
  void Linger() {
    ::shutdown(fd_.get(), SHUT_WR);
    const Deadline deadline(kLingerTime);
    while (!Signals::stopping() && !deadline.passed()) {
      pollfd peer = {fd_.get(), POLLIN, 0};
      if (::poll(&peer, 1, deadline.PollMilliseconds()) <= 0) continue;  // EINTR, or the deadline.
      char buffer[kReadBytes];
      if (::recv(fd_.get(), buffer, sizeof(buffer), MSG_DONTWAIT) <= 0) return;
    }
  }

  UniqueFd fd_;
  Counters& counters_;
  Conversation conversation_;
  Output output_;
};

}  // namespace

void DriveBlocking(Connection connection, ServeContext& context, absl::Duration blank_patience) {
  if (connection.listener->has_datagrams()) return DriveDatagrams(std::move(connection), context, blank_patience);
  BlockingConversation(std::move(connection), context).Run();
}

}  // namespace polyserve
