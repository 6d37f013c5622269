#include "backends/blocking/udp_driver.h"

#include <poll.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "backends/blocking/mailbox_fd.h"
#include "backends/udp/peer_conversation.h"
#include "base/logging.h"
#include "base/mailbox.h"
#include "net/datagram.h"
#include "net/deadline.h"
#include "net/signals.h"

namespace polyserve {

namespace {

// Answered between two looks at whether the server stops: a peer that never pauses must not put a stop off.
constexpr int kDatagramsPerTurn = 4096;

// One peer, on its own thread.
class BlockingPeer {
 public:
  BlockingPeer(Connection peer, ServerContext& context)
      : idle_timeout_(context.idle_timeout),
        blank_patience_(std::min(kBlankPatience, idle_timeout_)),
        conversation_(std::move(peer), context.statistics.counters(), context.connection_limit.get()) {}

  void Run() {
    if (conversation_.mailbox() != nullptr && !OpenMail()) return;
    Serve(false);
    // First: LetGo() may replace the session, and its mailbox with it.
    mail_ = nullptr;
    // Datagrams that came meanwhile go to the peer's next session. Those that cannot be passed on are answered here,
    // and that may take longer than one turn.
    if (conversation_.LetGo(buffer_, !Signals::stopping())) Serve(true);
  }

 private:
  // Answers until the peer is silent for too long, or the session has ended; if the server stops or `ends_if_idle`,
  // only until the session is idle.
  void Serve(bool ends_if_idle) {
    // At a stop it ends as soon as the session is idle, even if more has come: LetGo() answers that.
    while (!((ends_if_idle || Signals::stopping()) && conversation_.idle()) && Await()) {
      conversation_.Answer(buffer_, kDatagramsPerTurn);
      NoteWake();
    }
  }

  bool OpenMail() {
    absl::StatusOr<std::unique_ptr<MailboxFd>> mail = MailboxFd::Open(*conversation_.mailbox());
    if (!mail.ok()) {
      LOG_FLOOD(WARNING) << "cannot serve a peer: " << mail.status().message();
      return false;
    }
    mail_ = *std::move(mail);
    return true;
  }

  // Shows the session what others have for the peer. False: it was too much, and the peer is cut off.
  bool ShowMail() {
    if (mail_ == nullptr) return true;
    mail_->Collect();
    return conversation_.ShowMail();
  }

  // Waits for the next datagram, and calls the session when its timer expires meanwhile. True also if a signal has
  // ended the wait while the server stops. False: the peer was silent for too long, or the session has ended.
  bool Await() {
    // Begins anew with each call, and so with each datagram. A session may become stateless, or cease to be.
    const Deadline patience(conversation_.is_stateless() ? blank_patience_ : idle_timeout_);
    while (!conversation_.is_over() && ShowMail()) {
      if (wake_.has_value() && wake_->passed()) {  // First, however much comes meanwhile.
        wake_.reset();
        conversation_.TellTime();
        NoteWake();
        continue;
      }
      // The peer is heard in two places (peer_conversation.h). poll(2) ignores a negative descriptor: the channel has
      // ended, there is no mailbox, or no socket for strays.
      pollfd sources[] = {{conversation_.socket(), POLLIN, 0},
                          {conversation_.misdelivered(), POLLIN, 0},
                          {mail_ == nullptr ? -1 : mail_->fd(), mail_ == nullptr ? short{0} : mail_->events(), 0},
                          {conversation_.strays(), POLLIN, 0}};
      int timeout = patience.PollMilliseconds();
      if (wake_.has_value()) timeout = std::min(timeout, wake_->PollMilliseconds());
      const int found = ::poll(sources, std::size(sources), timeout);
      // Also for POLLERR: the peer's host has refused a reply (ICMP), and the recv that follows takes that error off
      // the socket.
      if (found > 0 && (sources[0].revents | sources[1].revents) != 0) return true;
      if (found > 0 && sources[3].revents != 0) conversation_.AnswerStrays(buffer_);
      if (found > 0) continue;  // Mail, or strays.
      // A time-out, or a signal (EINTR): the clock says which.
      if (patience.passed()) return false;
      if (Signals::stopping()) return true;  // The signal was for that.
    }
    return false;
  }

  void NoteWake() {
    if (conversation_.asks_for_wake()) wake_.emplace(conversation_.TakeWakeIn());
  }

  const absl::Duration idle_timeout_;
  const absl::Duration blank_patience_;
  PeerConversation conversation_;
  std::unique_ptr<MailboxFd> mail_;  // Null if the session has no mailbox.
  std::optional<Deadline> wake_;     // When the session's timer expires.
  char buffer_[kMaxDatagramBytes];
};

}  // namespace

void DriveDatagrams(Connection peer, ServerContext& context) { BlockingPeer(std::move(peer), context).Run(); }

}  // namespace polyserve
