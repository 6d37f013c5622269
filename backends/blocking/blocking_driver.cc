#include "backends/blocking/blocking_driver.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <functional>
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
#include "backends/connection/start_conversation.h"
#include "backends/connection/timed_receive.h"
#include "backends/connection/timed_request.h"
#include "backends/connection/timed_turn.h"
#include "backends/connection/upstream.h"
#include "base/bound_counters.h"
#include "base/logging.h"
#include "net/deadline.h"
#include "net/progress_watch.h"
#include "net/signals.h"
#include "net/socket.h"

namespace polyserve {

namespace {

// In a pool, a connection between two requests may keep another client waiting for this long.
constexpr absl::Duration kPatience = absl::Milliseconds(200);

// One connection, from its first byte to its last, on its own thread. It waits in recv and send themselves, which the
// kernel ends after a time-out (BlockingWatch). If there is more to wait for than the peer (mail, the session's timer,
// the end of a stop's grace), it waits in poll(2) instead.
class BlockingConnection {
 public:
  BlockingConnection(Connection connection, ServerContext& context)
      : fd_(std::move(connection.fd)),
        counters_(OfService(context.statistics.counters(), connection.listener->number)),
        connection_limit_(context.connection_limit.get()),
        watch_(fd_.get(), context.idle_timeout, context.least_rate),
        bound_counters_(context.least_rate.counters),
        others_wait_(connection.listener->closes_at_will && context.others_wait ? &context.others_wait : nullptr),
        turn_(context.request_times),
        conversation_(StartConversation(*connection.listener, fd_.get())) {
    if (others_wait_ != nullptr) next_look_.emplace(kPatience);
  }

  ~BlockingConnection() {
    SendClosingMessage(fd_.get(), conversation_, counters_);
    CountEnd(counters_, connection_limit_);
  }

  void Run() {
    while (TakeStep()) {
    }
  }

 private:
  // Does the next step, and waits for it in the system call itself. False: the connection is over.
  bool TakeStep() {
    switch (conversation_.Next(output_)) {
      case Step::kRead:
        return NotesStop() || (WatchMail() && Read());
      case Step::kReadLast:
        return Receive(MSG_DONTWAIT);
      case Step::kSend:
        return Send();
      case Step::kAwaitAck:
        return AwaitAck();
      case Step::kAsk:
        return Ask();
      case Step::kRunTask:
        output_.TakeWork()(output_);  // Blocking work is what this driver is made for.
        return true;
      case Step::kResume:
        conversation_.Resume(output_);
        return true;
      case Step::kSetTimer:
        SetTimer(conversation_.TakeTimer(output_));
        return true;
      case Step::kLinger:
        Linger();
        return false;
      case Step::kEnd:
        return false;
    }
    return false;
  }

  // True: the server stops, and the conversation learns of it only now, so that another step may be due. A signal that
  // comes between this look and the system call does not end the wait, which is why signals are repeated every 50 ms
  // (net/signals.h).
  bool NotesStop() { return Signals::stopping() && conversation_.OnStop(Signals::grace_over()); }

  // With a mailbox, poll(2) waits for the peer and for mail at once, and no other call may wait: hence the non-blocking
  // socket. False: that is impossible for want of a descriptor.
  bool WatchMail() {
    if (mail_ != nullptr || conversation_.mailbox() == nullptr) return true;
    absl::StatusOr<std::unique_ptr<MailboxFd>> mail = MailboxFd::Open(*conversation_.mailbox());
    absl::Status status = mail.status();
    status.Update(SetNonBlocking(fd_.get(), true));
    if (!status.ok()) LOG_FLOOD(WARNING) << "cannot serve a client, so its connection is closed: " << status.message();
    if (status.ok()) mail_ = *std::move(mail);
    return status.ok();
  }

  // A timer that was cancelled must not make the reads that follow cost a poll(2) each.
  void SetTimer(absl::Duration after) {
    timer_.reset();
    if (after < absl::InfiniteDuration()) timer_.emplace(after);
  }

  // Waits for these events of the peer. False: the time has passed, or mail or a signal came first.
  bool Await(short events, int milliseconds) {
    // poll(2) ignores an entry whose descriptor is negative. It reports an error or a hang-up without being asked,
    // which counts as ready: the recv or send that follows finds out what it is.
    pollfd waits[] = {{events == 0 && has_hung_up_ ? -1 : fd_.get(), events, 0},
                      {mail_ == nullptr ? -1 : mail_->fd(), mail_ == nullptr ? short{0} : mail_->events(), 0}};
    if (::poll(waits, 2, milliseconds) <= 0) return false;
    if (waits[1].revents != 0) mail_->Collect();
    // Without an error, both directions have ended in good order: nothing is broken, and what has come can be read once
    // the session takes it. Until then, poll(2) would report it again and again.
    has_hung_up_ = has_hung_up_ || waits[0].revents == POLLHUP;
    return waits[0].revents != 0 && (events != 0 || !has_hung_up_);
  }

  // Waits for input and shows it to the session. Also returns for mail, the timer and signals. While the session takes
  // no input, waits for these alone.
  bool Read() {
    turn_.BeginWait();
    // The grace ends without a signal, so the wait itself has to know its end.
    const bool has_grace = Signals::stopping() && conversation_.idle();
    // Within a request the peer is judged before the read, not only after a time-out: one that sends a byte now and
    // then never lets a wait time out.
    if (conversation_.debt() != Debt::kRestOfRequest) {
      watch_.Settle(Debt::kRestOfRequest);
    } else if (!watch_.MayReadOn()) {
      return false;
    }
    // Once in a connection that stays, so that a busy one costs no call more for each request.
    if (is_between_requests() && !waits_are_short_) {
      waits_are_short_ = SetReceiveTimeout(fd_.get(), kPatience).ok();
    }
    if (!conversation_.takes_input()) return !AwaitInput(has_grace, 0) && LookAround();  // Ready: it is broken.
    const bool polls = timer_.has_value() || mail_ != nullptr || has_grace || is_quiet_;
    // If the peer is all that there is to wait for, recv(2) itself waits, and SO_RCVTIMEO measures the silence: a
    // request then costs one system call less.
    if (!polls) {
      idle_end_.reset();
      return Receive(0);
    }
    if (!AwaitInput(has_grace, POLLIN)) return LookAround();
    turn_.EndWait();
    return Receive(0);
  }

  // Waits for input, or for these events of the peer, but no longer than until the timer expires, the peer's progress
  // has to be judged, or the grace is over.
  bool AwaitInput(bool has_grace, short events) {
    if (!idle_end_.has_value()) idle_end_.emplace(watch_.input_wait());
    // Before the wait: a peer that never pauses must not put the timer off.
    if (timer_.has_value() && timer_->passed()) return false;
    int left = idle_end_->PollMilliseconds();
    if (has_grace) left = std::min(left, Deadline(Signals::GraceLeft()).PollMilliseconds());
    if (timer_.has_value()) left = std::min(left, timer_->PollMilliseconds());
    if (is_between_requests()) left = std::min(left, static_cast<int>(absl::ToInt64Milliseconds(kPatience)));
    return Await(events, left);
  }

  // Finds out why AwaitInput() has ended without input. False: the peer has been silent for too long.
  bool LookAround() {
    if (timer_.has_value() && timer_->passed()) {
      timer_.reset();
      conversation_.OnTimer();
      return true;
    }
    if (GivesWay(/*at_once=*/true)) return true;
    // Mail ends a silence as input does: a member of a room who only listens is not idle.
    const bool is_silent = idle_end_->passed() && !conversation_.has_mail();
    if (is_silent || conversation_.has_mail()) idle_end_.reset();
    return !is_silent || conversation_.debt() == Debt::kRestOfRequest || watch_.MayStaySilent();
  }

  // The peer owes nothing, and may be sent away: in a pool, if its protocol lets it come again.
  bool is_between_requests() const {
    return others_wait_ != nullptr && has_answered_ && conversation_.mailbox() == nullptr && conversation_.idle();
  }

  // True: other clients wait for a worker, so this conversation is asked to end: at once, or with the next reply, which
  // then can say so.
  bool GivesWay(bool at_once) {
    if (!is_between_requests()) return false;
    next_look_.emplace(kPatience);
    if (!(*others_wait_)()) return false;
    if (!std::exchange(gives_way_, true)) CountBound(bound_counters_, &BoundCounters::gave_way);
    leaves_at_once_ = leaves_at_once_ || at_once;
    conversation_.OnStop(/*grace_over=*/leaves_at_once_);
    return true;
  }

  bool Receive(int flags) {
    // On the stack, since it is in use during this call only; pages of it that no read has touched cost no memory.
    char buffer[kReadBytes];
    if (const TimedWait* const timed = turn_.timed(); timed != nullptr) {
      return TakeIn(buffer, ReceiveTimed(fd_.get(), buffer, sizeof(buffer), flags, *timed, conversation_), flags);
    }
    const ssize_t count = ::recv(fd_.get(), buffer, sizeof(buffer), flags);
    return TakeIn(buffer, count, flags);
  }

  // What a receive has brought: its result, and errno.
  bool TakeIn(const char* buffer, ssize_t count, int flags) {
    if (count < 0 && errno == EAGAIN) conversation_.OnDrained();
    // EINTR: a signal, perhaps the stop's; the next step finds out. EAGAIN without MSG_DONTWAIT: as a rule SO_RCVTIMEO
    // has passed (socket(7)). Any other error, such as ECONNRESET or ETIMEDOUT: the connection is lost.
    if (count < 0) return errno == EINTR || (errno == EAGAIN && (flags != 0 || MayWaitOn()));
    is_quiet_ = false;
    if (next_look_.has_value() && next_look_->passed()) GivesWay(/*at_once=*/false);
    watch_.NoteInput();
    idle_end_.reset();
    if (count == 0) {
      // The peer sends no more (FIN), but may still read.
      conversation_.OnEnd(output_);
    } else {
      Counters::Add(counters_.bytes_in, count);
      conversation_.OnBytes(absl::string_view(buffer, static_cast<size_t>(count)), output_, count == kReadBytes);
    }
    return true;
  }

  // Whether the kernel's time-out, which has ended the read, may pass. Behind a poll(2) that had announced input, it
  // was none: then there is simply nothing to read.
  bool MayWaitOn() {
    if (waits_are_short_) {
      is_quiet_ = true;  // From here on poll(2) waits, and idle_end_ bounds the silence.
      GivesWay(/*at_once=*/true);
      return true;
    }
    return idle_end_.has_value() || conversation_.debt() == Debt::kRestOfRequest || watch_.MayStaySilent();
  }

  bool Send() {
    // The peer waits for the reply: its silence begins anew once that is sent.
    idle_end_.reset();
    has_answered_ = has_answered_ || output_.has_counts();
    const int64_t sleeps = conversation_.is_timed() ? TimedRequest::Sleeps() : 0;
    // Without a bound for fairness: the kernel shares the processor among threads.
    const Flushed sent = Flush(fd_.get(), output_, INT64_MAX, counters_, conversation_.entry());
    // The call has waited for room. Otherwise, if the thread had no processor, another one has taken it.
    if (conversation_.is_timed() && TimedRequest::Sleeps() > sleeps) conversation_.NoteWaitForPeer();
    if (sent == Flushed::kBroken) return false;
    // All is with the kernel now, not with the peer: a slow reader of what is left there is noticed only after the idle
    // time-out.
    if (sent == Flushed::kAll) {
      watch_.NoteSent();
      watch_.Settle(Debt::kAcknowledgement);
      return true;
    }
    if (sent == Flushed::kBlocked) conversation_.NoteWaitForPeer();
    return watch_.MayTakeLonger() && (mail_ == nullptr || AwaitRoom());  // The wait for room was ended.
  }

  // Waits until the peer takes more. Mail stays in the mailbox meanwhile: it can only end the connection, by becoming
  // too much.
  bool AwaitRoom() {
    while (!Await(POLLOUT, Deadline(watch_.room_wait()).PollMilliseconds())) {
      if (conversation_.is_cut_off() || !watch_.MayTakeLonger()) return false;
    }
    return true;
  }

  // False: the peer has acknowledged nothing for too long.
  bool AwaitAck() {
    const absl::Duration left = AckWaitLeft(fd_.get(), output_);
    if (left == absl::ZeroDuration()) return watch_.Settle(Debt::kAcknowledgement), true;
    if (!watch_.MayTakeLonger()) return false;
    // A sleep that a signal ends.
    ::poll(nullptr, 0, Deadline(left).PollMilliseconds());
    return true;
  }

  // Asks the other server, and waits for it alone: a peer that leaves is noticed when it is answered.
  bool Ask() {
    Upstream& upstream = Upstream::Of(output_);
    while (!upstream.Step()) {
      pollfd server = {upstream.fd(), upstream.wants_room() ? short{POLLOUT} : short{POLLIN}, 0};
      ::poll(&server, 1, Deadline(upstream.Left()).PollMilliseconds());
    }
    Upstream::Answer(output_);
    return true;
  }

  // Closes our side, and waits a moment for the peer to close its own; see backends/connection/lingering_close.h. The
  // time is the bound, however much the peer sends.
  void Linger() {
    ::shutdown(fd_.get(), SHUT_WR);
    const Deadline deadline(kLingeringCloseTimeout);
    while (!deadline.passed()) {
      int left = deadline.PollMilliseconds();
      if (Signals::stopping()) left = std::min(left, Deadline(Signals::GraceLeft()).PollMilliseconds());
      // Not a recv(2) that blocks: its time-out is the idle time-out, which may be much longer than this wait.
      pollfd peer = {fd_.get(), POLLIN, 0};
      const int found = ::poll(&peer, 1, left);
      if (found == 0 && Signals::grace_over()) return;
      if (found <= 0) continue;  // EINTR, or the deadline.
      char buffer[kReadBytes];
      // 0: the peer has closed its side, so closing ours can cause no reset any more.
      if (::recv(fd_.get(), buffer, sizeof(buffer), MSG_DONTWAIT) <= 0) return;
    }
  }

  UniqueFd fd_;
  Counters& counters_;
  ConnectionLimit* const connection_limit_;
  BlockingWatch watch_;
  BoundCounters* const bound_counters_;
  const std::function<bool()>* const others_wait_;  // Null unless the connection may give way to those.
  TimedTurn turn_;
  std::optional<Deadline> next_look_;  // For others that wait, while there are requests.
  bool has_answered_ = false;          // A request.
  bool waits_are_short_ = false;       // A recv(2) waits for kPatience at most.
  bool is_quiet_ = false;              // The peer has been silent for kPatience.
  bool has_hung_up_ = false;           // Both directions of its connection have ended.
  bool gives_way_ = false;             // Others wait, and the conversation has been asked to end,
  bool leaves_at_once_ = false;        // before the next request.
  std::optional<Deadline> timer_;      // The session's, while it is set.
  std::optional<Deadline> idle_end_;   // Kept only while poll(2) waits; otherwise the kernel's time-out does it.
  Conversation conversation_;
  std::unique_ptr<MailboxFd> mail_;  // Null if the session has no mailbox.
  Output output_;
};

}  // namespace

void DriveBlocking(Connection connection, ServerContext& context) {
  if (connection.listener->has_datagrams()) return DriveDatagrams(std::move(connection), context);
  BlockingConnection(std::move(connection), context).Run();
}

}  // namespace polyserve
