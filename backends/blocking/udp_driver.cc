#include "backends/blocking/udp_driver.h"

#include <poll.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "backends/blocking/mailbox_fd.h"
#include "backends/connection/conversation.h"
#include "backends/udp/peer_conversation.h"
#include "base/logging.h"
#include "base/mailbox.h"
#include "net/datagram.h"
#include "net/deadline.h"
#include "net/signals.h"

namespace polyserve {

namespace {

class BlockingPeer {
 public:
  BlockingPeer(Connection peer, ServerContext& context)
      : idle_timeout_(context.idle_timeout),
        stateless_timeout_(std::min(kStatelessTimeout, idle_timeout_)),
        conversation_(std::move(peer), context.statistics.counters(), context.connection_limit.get()) {}

  void Run() {
    if (conversation_.mailbox() != nullptr && !OpenMail()) return;
    Serve();
    mail_ = nullptr;
    if (conversation_.LetGo(buffer_, !Signals::stopping())) Serve();  // What it was asked for may take longer.
  }

 private:
  void Serve() {
    while (TakeStep()) {
    }
  }

  // Does what is to be done now, and waits for it. False: the conversation is over.
  bool TakeStep() {
    if (Signals::stopping()) conversation_.OnStop();
    switch (conversation_.Next()) {
      case Step::kRead:
        return NotesTimer() || Receive() || Await();
      case Step::kReadLast:
        return Receive();
      case Step::kSetTimer:
        timer_.emplace(conversation_.TakeTimer());
        return true;
      case Step::kSend:
      case Step::kResume:
        return true;  // No other peer waits for a turn.
      default:
        return false;
    }
  }

  bool OpenMail() {
    absl::StatusOr<std::unique_ptr<MailboxFd>> mail = MailboxFd::Open(*conversation_.mailbox());
    if (!mail.ok()) {
      LOG(WARNING) << "a peer cannot be served: " << mail.status().message();
      return false;
    }
    mail_ = *std::move(mail);
    return true;
  }

  // True: the timer has run out. To be asked before each datagram, so that a peer that never pauses cannot put it off.
  bool NotesTimer() {
    if (!timer_.has_value() || !timer_->passed()) return false;
    timer_.reset();
    conversation_.OnTimer();
    return true;
  }

  bool Receive() {
    if (!conversation_.Receive(buffer_)) return false;
    idle_end_.reset();
    return true;
  }

  // Waits for the next datagram. Also returns for mail, the timer and signals. False: the peer was silent for too long.
  bool Await() {
    if (!idle_end_.has_value()) idle_end_.emplace(conversation_.is_stateless() ? stateless_timeout_ : idle_timeout_);
    pollfd sources[3] = {{conversation_.socket(), POLLIN, 0},
                         {conversation_.misdelivered(), POLLIN, 0},
                         {mail_ == nullptr ? -1 : mail_->fd(), mail_ == nullptr ? short{0} : mail_->events(), 0}};
    int timeout = idle_end_->PollMilliseconds();
    if (timer_.has_value()) timeout = std::min(timeout, timer_->PollMilliseconds());
    const int found = ::poll(sources, 3, timeout);
    if (found > 0 && sources[2].revents != 0) mail_->Collect();  // No sign of life: the peer has only been spoken to.
    return found > 0 || !idle_end_->passed();
  }

  const absl::Duration idle_timeout_;
  const absl::Duration stateless_timeout_;
  PeerConversation conversation_;
  std::unique_ptr<MailboxFd> mail_;   // Null if the session has no mailbox.
  std::optional<Deadline> timer_;     // The session's, while it is set.
  std::optional<Deadline> idle_end_;  // Since the last datagram, once it is waited for the next one.
  char buffer_[kMaxDatagramBytes];
};

}  // namespace

void DriveDatagrams(Connection peer, ServerContext& context) { BlockingPeer(std::move(peer), context).Run(); }

}  // namespace polyserve
