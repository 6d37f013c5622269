#include "backends/blocking_driver.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <utility>

#include "backends/conversation.h"
#include "backends/linger.h"
#include "backends/mail_fd.h"
#include "backends/transmit.h"
#include "glog/logging.h"
#include "net/deadline.h"
#include "net/signals.h"
#include "net/socket.h"

namespace polyserve {

namespace {

class BlockingConversation {
 public:
  BlockingConversation(Connection connection, ServeContext& context)
      : fd_(std::move(connection.fd)),
        idle_timeout_(context.idle_timeout),
        counters_(context.statistics.counters()),
        conversation_(connection.listener->make_session()) {}

  ~BlockingConversation() { Counters::Add(counters_.ended, 1); }

  void Run() {
    if (conversation_.mailbox() != nullptr && !OpenMail()) return;
    while (Receive() && Answer()) {
    }
  }

 private:
  // With a mailbox it is poll(2) that waits, for the peer and for mail at once; nothing else may.
  bool OpenMail() {
    absl::StatusOr<std::unique_ptr<MailFd>> mail = MailFd::Open(*conversation_.mailbox());
    absl::Status status = mail.status();
    status.Update(SetNonBlocking(fd_.get(), true));
    if (!status.ok()) LOG(WARNING) << "a client cannot be served, and is closed: " << status.message();
    if (status.ok()) mail_ = *std::move(mail);
    return status.ok();
  }

  // Waits for these events of the peer, for mail, and for signals. False where the conversation is over.
  bool Await(short events) {
    pollfd waits[] = {{fd_.get(), events, 0}, {mail_->fd(), POLLIN, 0}};
    const bool is_bounded = idle_timeout_ != absl::InfiniteDuration();
    const int came = ::poll(waits, 2, is_bounded ? Deadline(idle_timeout_).PollMilliseconds() : -1);
    if (came == 0) return false;
    if (came > 0 && waits[1].revents != 0) mail_->Collect();
    return !conversation_.is_cut_off();
  }

  // Waits for input and shows it to the session. False where the conversation is over.
  bool Receive() {
    char buffer[kReadBytes];
    while (true) {
      // While the server stops, a peer that is between requests is read once more, but not waited for.
      const bool last_look = Signals::stopping() && conversation_.idle();
      if (mail_ != nullptr && !last_look && !Await(POLLIN)) return false;
      const ssize_t count = ::recv(fd_.get(), buffer, sizeof(buffer), last_look ? MSG_DONTWAIT : 0);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN && mail_ != nullptr && !last_look) {
        if (conversation_.has_mail()) return true;
        continue;
      }
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
      const Transmitted sent = Transmit(fd_.get(), output_, INT64_MAX, counters_);
      if (sent == Transmitted::kBlocked && mail_ != nullptr && Await(POLLOUT)) continue;
      if (sent != Transmitted::kAll) return false;
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
  const absl::Duration idle_timeout_;
  Counters& counters_;
  Conversation conversation_;
  std::unique_ptr<MailFd> mail_;  // Null where the session has no mailbox: the reads and writes themselves wait.
  Output output_;
};

}  // namespace

void DriveBlocking(Connection connection, ServeContext& context) {
  BlockingConversation(std::move(connection), context).Run();
}

}  // namespace polyserve
