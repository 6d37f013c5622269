#include "backends/datagram_driver.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/mail_fd.h"
#include "backends/peer_desk.h"
#include "backends/send_datagrams.h"
#include "glog/logging.h"
#include "net/datagram.h"
#include "net/deadline.h"
#include "net/signals.h"
#include "net/statistics.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "room/mailbox.h"

namespace polyserve {

namespace {

// Answered between two looks at whether the server stops, and at the very end.
constexpr int kDatagramsPerTurn = 4096;

DatagramPath PathOf(int fd) {
  sockaddr_storage peer = {};
  socklen_t size = sizeof(peer);
  ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size);
  return {.peer = Endpoint::FromAddress(peer), .local = {}};
}

class PeerConversation {
 public:
  PeerConversation(Connection peer, ServeContext& context, absl::Duration blank_patience)
      : fd_(std::move(peer.fd)),
        strays_(std::move(peer.strays)),
        idle_timeout_(context.idle_timeout),
        blank_patience_(std::min(blank_patience, idle_timeout_)),
        counters_(OfService(context.statistics.counters(), peer.listener->number)),
        session_(peer.listener->make_session()) {}

  ~PeerConversation() { Counters::Add(counters_.ended, 1); }

  void Run() {
    if (session_->mailbox() != nullptr && !OpenMail()) return;
    while (!(Signals::stopping() && session_->idle()) && Await()) Answer();
    if (!output_.closing()) LetGo();
  }

 private:
  bool OpenMail() {
    absl::StatusOr<std::unique_ptr<MailFd>> mail = MailFd::Open(*session_->mailbox());
    if (mail.ok()) mail_ = *std::move(mail);
    if (!mail.ok()) LOG(WARNING) << "a peer cannot be served: " << mail.status().message();
    return mail.ok();
  }

  // Shows what others have for the peer. False where there was too much of it.
  bool ShowMail() {
    if (mail_ == nullptr) return true;
    mail_->Collect();
    Mailbox& mailbox = *session_->mailbox();
    while (const Message message = mailbox.Next()) {
      session_->OnMessage(message, output_);
      if (!mailbox.has_mail() || !output_.wants_more()) Perform();
    }
    return !mailbox.is_cut_off();
  }

  // Waits for the next datagram, or the time that the session has asked for. False where the peer was silent for too
  // long, or the session has ended.
  bool Await() {
    if (output_.closing()) return false;
    const Deadline patience(session_->is_blank() ? blank_patience_ : idle_timeout_);
    pollfd sources[3] = {
        {fd_.get(), POLLIN, 0}, {strays_.get(), POLLIN, 0}, {mail_ == nullptr ? -1 : mail_->fd(), POLLIN, 0}};
    while (ShowMail()) {
      int timeout = patience.PollMilliseconds();
      if (wake_.has_value()) timeout = std::min(timeout, wake_->PollMilliseconds());
      const int came = ::poll(sources, 3, timeout);
      if (came > 0 && (sources[0].revents | sources[1].revents) != 0) return true;
      if (came > 0) continue;  // Mail.
      if (wake_.has_value() && wake_->passed()) {
        wake_.reset();
        session_->OnTime(output_);
        Perform();
        if (output_.closing()) return false;
      }
      if (patience.passed()) return false;
      if (Signals::stopping()) return true;  // Interrupted for that.
    }
    return false;
  }

  // Answers what has come, oldest first: strays have come before what is in the peer's own socket.
  void Answer() {
    for (int i = 0; i < kDatagramsPerTurn && !output_.closing(); ++i) {
      ssize_t size = ReceiveStray(strays_.get(), buffer_);
      if (size < 0) size = ReceiveOwn();
      if (size < 0) return;
      Counters::Add(counters_.bytes_in, size);
      Show(absl::string_view(buffer_, static_cast<size_t>(size)));
    }
  }

  ssize_t ReceiveOwn() {
    ssize_t size = 0;
    do {  // A refusal is news of an earlier answer, not of the peer: it may be back.
      size = ::recv(fd_.get(), buffer_, sizeof(buffer_), MSG_DONTWAIT);
    } while (size < 0 && (errno == EINTR || errno == ECONNREFUSED));
    return size;
  }

  void Show(absl::string_view datagram) {
    Input input(datagram);
    session_->OnInput(input, output_);
    Perform();
  }

  void Perform() {
    while (SendDatagrams(fd_.get(), let_go_ ? &path_ : nullptr, output_, counters_) && output_.has_work()) {
      output_.TakeWork()(output_);  // Blocking work is what this driver is made for.
    }
    if (output_.asks_for_wake()) wake_.emplace(output_.TakeWakeIn());
  }

  // What the peer sends from now on is for a new session; what it has sent before is still answered here.
  void LetGo() {
    path_ = PathOf(fd_.get());
    let_go_ = TurnAwayFromPeer(fd_.get()).ok();
    ::shutdown(strays_.get(), SHUT_RD);  // Strays are refused from now on; the desk takes the peer for a new one.
    Answer();
  }

  const UniqueFd fd_;
  const UniqueFd strays_;
  const absl::Duration idle_timeout_;
  const absl::Duration blank_patience_;
  Counters& counters_;
  const std::unique_ptr<Session> session_;
  std::unique_ptr<MailFd> mail_;  // Null where the session has no mailbox.
  Output output_{Output::Kind::kDatagrams};
  std::optional<Deadline> wake_;  // When the session wants to be told the time.
  bool let_go_ = false;
  DatagramPath path_;
  char buffer_[kMaxDatagramBytes];
};

}  // namespace

void DriveDatagrams(Connection peer, ServeContext& context, absl::Duration blank_patience) {
  PeerConversation(std::move(peer), context, blank_patience).Run();
}

}  // namespace polyserve
