#include "backends/blocking/blocking_driver.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/accept/connection_limit.h"
#include "backends/blocking/blocking_watch.h"
#include "backends/blocking/mailbox_fd.h"
#include "backends/blocking/udp_driver.h"
#include "backends/connection/ack_wait.h"
#include "backends/connection/closing_message.h"
#include "backends/connection/conversation.h"
#include "backends/connection/flush.h"
#include "backends/connection/lingering_close.h"
#include "backends/connection/start_session.h"
#include "base/logging.h"
#include "net/deadline.h"
#include "net/progress_watch.h"
#include "net/signals.h"
#include "net/socket.h"

namespace polyserve {

namespace {

class BlockingConversation {
 public:
  BlockingConversation(Connection connection, ServerContext& context)
      : fd_(std::move(connection.fd)),
        counters_(OfService(context.statistics.counters(), connection.listener->number)),
        connection_limit_(context.connection_limit.get()),
        watch_(fd_.get(), context.idle_timeout, ProgressLimits(context.idle_timeout, context.least_rate)),
        conversation_(StartSession(*connection.listener, fd_.get())) {}

  ~BlockingConversation() {
    if (output_.empty()) SendClosingMessage(fd_.get(), conversation_, counters_);
    CountEnd(counters_, connection_limit_);
  }

  void Run() {
    while (WatchMail() && Receive() && Answer()) {
    }
  }

 private:
  // With a mailbox it is poll(2) that waits, for the peer and for mail at once; nothing else may.
  bool WatchMail() {
    if (mail_ != nullptr || conversation_.mailbox() == nullptr) return true;
    absl::StatusOr<std::unique_ptr<MailboxFd>> mail = MailboxFd::Open(*conversation_.mailbox());
    absl::Status status = mail.status();
    status.Update(SetNonBlocking(fd_.get(), true));
    if (!status.ok()) LOG(WARNING) << "a client cannot be served, and is closed: " << status.message();
    if (status.ok()) mail_ = *std::move(mail);
    return status.ok();
  }

  // Waits for these events of the peer, at most so long. False where they have not come, but mail or a signal may have.
  bool Await(short events, int milliseconds) {
    pollfd waits[] = {{fd_.get(), events, 0},
                      {mail_ == nullptr ? -1 : mail_->fd(), mail_ == nullptr ? short{0} : mail_->events(), 0}};
    if (::poll(waits, 2, milliseconds) <= 0) return false;
    if (waits[1].revents != 0) mail_->Collect();
    return waits[0].revents != 0 && !conversation_.is_cut_off();
  }

  // Waits for input and shows it to the session. False where the conversation is over.
  bool Receive() {
    char buffer[kReadBytes];
    while (true) {
      const bool stops = Signals::stopping();
      if (stops) conversation_.OnStop();
      // While the server stops, a peer that is between requests is waited for until the grace is over, then read once
      // more.
      const bool has_grace = stops && conversation_.idle();
      const bool last_look = has_grace && conversation_.ends(Signals::grace_over());
      const bool is_within_request = conversation_.awaits_rest_of_request();
      if (!is_within_request) watch_.Settle(Debt::kRestOfRequest);
      if (is_within_request && !watch_.MayReadOn()) return false;
      const bool polls = wake_.has_value() || mail_ != nullptr || has_grace;
      if (polls && !last_look && !AwaitInput(has_grace)) {
        if (conversation_.is_cut_off()) return false;
        if (wake_.has_value() && wake_->passed()) return TellTime(), true;
        if (conversation_.has_mail()) return idle_end_.reset(), true;
        if (!idle_end_->passed()) continue;  // Interrupted, or the grace is over.
        idle_end_.reset();
        if (!is_within_request && !watch_.MayStaySilent()) return false;
        continue;
      }
      const ssize_t count = ::recv(fd_.get(), buffer, sizeof(buffer), last_look ? MSG_DONTWAIT : 0);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && (errno != EAGAIN || last_look)) return false;  // Reset, or the end of the last look.
      if (count < 0 && !polls && !is_within_request && !watch_.MayStaySilent()) return false;
      if (count < 0) continue;  // The time-out.
      watch_.NoteInput();
      idle_end_.reset();
      if (count == 0) {
        conversation_.OnEnd(output_);
      } else {
        Counters::Add(counters_.bytes_in, count);
        const bool more_may_follow = stops && count == sizeof(buffer) && !Signals::grace_over();
        conversation_.OnBytes(absl::string_view(buffer, static_cast<size_t>(count)), output_, more_may_follow);
      }
      return true;
    }
  }

  // Waits for input, but not beyond the time that the session has asked for, or that after which the peer's progress is
  // to be looked at, or until mail comes.
  bool AwaitInput(bool has_grace) {
    if (!idle_end_.has_value()) idle_end_.emplace(watch_.input_wait());
    // However much has come: a peer that never pauses cannot put it off.
    if (wake_.has_value() && wake_->passed()) return false;
    int left = idle_end_->PollMilliseconds();
    if (has_grace) left = std::min(left, Deadline(Signals::GraceLeft()).PollMilliseconds());
    return Await(POLLIN, wake_.has_value() ? std::min(wake_->PollMilliseconds(), left) : left);
  }

  void TellTime() {
    wake_.reset();
    conversation_.OnTime(output_);
    if (!output_.empty()) idle_end_.reset();
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
    } while (conversation_.ContinueInput(output_));
    if (output_.asks_for_wake()) wake_.emplace(output_.TakeWakeIn());
    return true;
  }

  bool Perform() {
    while (true) {
      const Flushed sent = Flush(fd_.get(), output_, INT64_MAX, counters_);
      if (sent == Flushed::kBroken) return false;
      if (sent != Flushed::kAll) {  // The wait for room was ended.
        if (!watch_.MayTakeLonger() || (mail_ != nullptr && !AwaitRoom())) return false;
        continue;
      }
      watch_.Settle(Debt::kAcknowledgement);
      if (!output_.has_work()) return true;
      if (!AwaitPauseEnd()) return false;
      output_.TakeWork()(output_);  // Blocking work is what this driver is made for.
    }
  }

  // Waits until the peer takes more; mail meanwhile only matters where too much of it comes. False: the end.
  bool AwaitRoom() {
    while (!Await(POLLOUT, Deadline(watch_.room_wait()).PollMilliseconds())) {
      if (conversation_.is_cut_off() || !watch_.MayTakeLonger()) return false;
    }
    return true;
  }

  // False where the peer acknowledges nothing for too long.
  bool AwaitPauseEnd() {
    for (absl::Duration left; (left = PauseLeft(fd_.get(), output_)) > absl::ZeroDuration();) {
      if (conversation_.is_cut_off() || !watch_.MayTakeLonger()) return false;
      ::poll(nullptr, 0, Deadline(left).PollMilliseconds());
    }
    return true;
  }

  // Closes our side, and waits a moment for the peer to close its own; see backends/connection/lingering_close.h.
  void Linger() {
    ::shutdown(fd_.get(), SHUT_WR);
    const Deadline deadline(kLingerTime);
    while (!deadline.passed()) {
      int left = deadline.PollMilliseconds();
      if (Signals::stopping()) left = std::min(left, Deadline(Signals::GraceLeft()).PollMilliseconds());
      pollfd peer = {fd_.get(), POLLIN, 0};
      const int found = ::poll(&peer, 1, left);
      if (found == 0 && Signals::grace_over()) return;
      if (found <= 0) continue;  // EINTR, or the deadline.
      char buffer[kReadBytes];
      if (::recv(fd_.get(), buffer, sizeof(buffer), MSG_DONTWAIT) <= 0) return;
    }
  }

  UniqueFd fd_;
  Counters& counters_;
  ConnectionLimit* const connection_limit_;
  BlockingWatch watch_;
  std::optional<Deadline> wake_;      // When the session wants to be told the time.
  std::optional<Deadline> idle_end_;  // Kept only beside wake_ or mail_; else the kernel's time-out does it.
  Conversation conversation_;
  std::unique_ptr<MailboxFd> mail_;  // Null where the session has no mailbox: the reads and writes themselves wait.
  Output output_;
};

}  // namespace

void DriveBlocking(Connection connection, ServerContext& context) {
  if (connection.listener->has_datagrams()) return DriveDatagrams(std::move(connection), context);
  BlockingConversation(std::move(connection), context).Run();
}

}  // namespace polyserve
