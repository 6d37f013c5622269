#include "backends/event/event_connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "backends/connection/ack_wait.h"
#include "backends/connection/closing_message.h"
#include "backends/connection/fair_share.h"
#include "backends/connection/fairness.h"
#include "backends/connection/lingering_close.h"
#include "backends/connection/offload.h"
#include "backends/connection/start_conversation.h"
#include "backends/connection/timed_receive.h"
#include "backends/connection/timed_turn.h"
#include "backends/poller/poller.h"
#include "base/logging.h"
#include "base/loop_turn.h"
#include "net/request_times.h"

namespace polyserve {

EventConnection::EventConnection(Connection connection, EventShared& shared)
    : EventClient(std::move(connection.fd), shared, connection.listener->number),
      conversation_(StartConversation(*connection.listener, fd_.get())) {
  // Accepted during the stop, from the backlog or an inbox.
  if (shared.stopping) conversation_.OnStop(shared.grace_over);
  shared.wakes->Watch(conversation_.mailbox(), *this, mail_);
}

EventConnection::~EventConnection() { SendClosingMessage(fd_.get(), conversation_, counters_); }

void EventConnection::Start(Connection connection, EventShared& shared) {
  // No other object owns it: only its own callbacks know when the conversation is over, and they delete it.
  EventConnection* self = new EventConnection(std::move(connection), shared);
  if (self->conversation_.is_refused()) {
    delete self;
  } else if (absl::Status status = self->AwaitInput(); !status.ok()) {
    LOG_FLOOD(WARNING) << "cannot watch a connection, so it is closed: " << status.message();
    delete self;
  } else if (shared.grace_over) {
    self->OnStop();  // Nothing may ever come.
  }
}

absl::Status EventConnection::AwaitInput() {
  if (!is_lingering() && !conversation_.takes_input()) return Await(0);
  // With levels the peer's end stays readable until it is read. One edge may stand for the last bytes and the end, so
  // with edges the end has to be reported by itself (EPOLLRDHUP, epoll_ctl(2)).
  const int peer_closed = edge_triggered() ? Poller::kPeerClosed : 0;
  return Await(static_cast<uint8_t>(Poller::kReadable | peer_closed | shared_.extra_events));
}

// What was asked for decides, not what is reported: an error counts as ready for everything, and a connection with
// unsent output must not read.
void EventConnection::OnEvents(uint8_t events) {
  if ((events & Poller::kPeerClosed) != 0) end_has_come_ = true;
  const bool sending = (awaited() & Poller::kWritable) != 0;
  if (!sending && !is_lingering() && WaitInLine()) return;
  if (!(sending ? OnWritable() : OnReadable())) delete this;
}

bool EventConnection::OnReadable() {
  if (is_lingering()) return Discard();
  if (!conversation_.takes_input()) return true;  // A turn that was put off: meanwhile the session has begun to wait.
  for (int reads = 0;;) {
    bool drained = false;
    if (!ReadOnce(drained)) return false;
    // With output parked nothing more is read: the rest waits in the kernel until its buffer is full, and TCP stops the
    // peer. It is also parked while the session is away.
    if (parked_ != nullptr || !conversation_.takes_input()) return true;
    const bool is_last = conversation_.step() == Step::kReadLast;
    if (drained && !is_last) return true;
    if (++reads < shared_.reads_per_turn) {
      LoopTurn::Renew();  // What it reads from here on may have come since.
      continue;
    }
    // An edge is reported only once, so what is left has to be remembered; a level is reported again. At kReadLast the
    // next thing to learn is that the socket is empty, and no event reports that.
    if (is_last || edge_triggered()) WaitForTurn();
    return true;
  }
}

// Reads once and answers. Sets `drained` if the socket has no more. With edges a short read says so, too (epoll(7)),
// which saves the call that would only say EAGAIN, but neither the peer's end nor a reset has an edge of its own if it
// came before the read: kPeerClosed reports the former with the edge, and a reply that was sent rules the latter out.
bool EventConnection::ReadOnce(bool& drained) {
  // Readiness is a hint: there may be nothing to read by now (select(2), BUGS), and OnTurn() reads without any event.
  // Then the non-blocking socket says EAGAIN, and the loop goes on.
  if (const TimedWait* const wait = timed(); wait != nullptr) {
    return TakeIn(ReceiveTimed(fd_.get(), shared_.buffer, sizeof(shared_.buffer), 0, *wait, conversation_), drained);
  }
  const ssize_t count = ::recv(fd_.get(), shared_.buffer, sizeof(shared_.buffer), 0);
  return TakeIn(count, drained);
}

// What a receive has brought: its result, and errno.
bool EventConnection::TakeIn(ssize_t count, bool& drained) {
  if (count < 0) {
    // Neither EAGAIN nor EINTR: the connection is lost (ECONNRESET, ETIMEDOUT).
    drained = errno == EAGAIN;
    if (!drained) return errno == EINTR;
    conversation_.OnDrained();
    return conversation_.step() != Step::kReadLast || Proceed();
  }
  NoteMove();
  if (count > 0) Counters::Add(counters_.bytes_in, count);
  if (RunsApart()) return ShowByHelper(static_cast<size_t>(count));
  if (count == 0) {
    conversation_.OnEnd(shared_.output);
  } else if (IsRefused(conversation_)) {
    conversation_.Refuse(shared_.output);
  } else {
    conversation_.OnBytes(absl::string_view(shared_.buffer, static_cast<size_t>(count)), shared_.output,
                          count == sizeof(shared_.buffer));
  }
  const bool has_reply = !shared_.output.empty();
  if (!Proceed()) return false;
  drained = edge_triggered() && has_reply && parked_ == nullptr && !end_has_come_ &&
            count < static_cast<ssize_t>(sizeof(shared_.buffer));
  return true;
}

bool EventConnection::OnWritable() {
  NoteMove();
  return GoOn();
}

// Goes on with whatever is the next step, after a wait for something other than input.
bool EventConnection::GoOn() {
  const bool was_away = is_away();
  if (has_helper_task() && !TakeResult(*parked_)) return true;
  if (was_away) CatchUp();
  return Proceed() && (is_away() || conversation_.step() != Step::kReadLast || OnReadable());
}

// Takes steps until the next one has to wait. False: the connection is over. The loop's output is cleared behind them,
// for the next callback; what is unsent was moved out of it by Park() or ParkUntilCalled().
bool EventConnection::Proceed() {
  if (parked_ != nullptr) return TakeSteps(*parked_);
  const bool goes_on = TakeSteps(shared_.output);
  shared_.output.Clear();
  return goes_on;
}

// Each way out leaves something that will call the connection again (an event, a turn, a timer, a helper, mail), or
// says that it is over. When the fair share is used up, the connection waits until the socket is writable, which as a
// rule it is, and so goes on in the next turn. A file is read ahead before Flush(), because sendfile(2) waits for the
// disk even on a non-blocking socket.
bool EventConnection::TakeSteps(Output& output) {
  for (FairShare share;;) {
    const Step step = conversation_.Next(output);
    if (!share.Allows(step)) return Park(output, Flushed::kBudget);
    switch (step) {
      case Step::kRead:
      case Step::kReadLast:
        return ReadOn();
      case Step::kSend: {
        if (ReadByHelper(output)) {
          conversation_.Leave(RequestPart::kQueue);
          return ParkUntilCalled(output);
        }
        const Flushed sent = Flush(fd_.get(), output, kBytesPerTurn, counters_, conversation_.entry());
        if (sent == Flushed::kBroken) return false;
        if (sent != Flushed::kAll) return Park(output, sent);
        break;
      }
      case Step::kAwaitAck:
        if (const absl::Duration left = AckWaitLeft(fd_.get(), output); left > absl::ZeroDuration()) {
          PauseFor(left);
          conversation_.Leave(RequestPart::kWait);
          return ParkUntilCalled(output);
        }
        break;
      case Step::kAsk:
        if (!GoOnAsking(output)) {
          conversation_.Leave(RequestPart::kWait);
          return ParkUntilCalled(output);
        }
        break;
      case Step::kRunTask:
        if (shared_.offload != nullptr) {
          RunByHelper(conversation_.TakeTask(output));
          return ParkUntilCalled(output);
        }
        // Without helpers every other client of the loop waits for the task.
        output.TakeWork()(output);
        NoteMove();  // The peer has waited for us, perhaps for a pause before the task.
        break;
      case Step::kResume:
        if (RunsApart()) return ResumeByHelper(output);
        conversation_.Resume(output);
        // Mail counts as a sign of life, although the peer has sent nothing: a member of a room who only listens is not
        // idle.
        if (!output.empty()) NoteMove();
        break;
      case Step::kSetTimer:
        SetTimer(conversation_.TakeTimer(output));
        break;
      case Step::kLinger:
        return Linger();
      case Step::kEnd:
        return false;
    }
  }
}

// The bytes are copied, since the loop's buffer is for the next client: the first of the two hand-overs. The second is
// OnReady(). Nothing is unsent now, so the helper begins with an output of its own.
bool EventConnection::ShowByHelper(size_t count) {
  const bool is_full = count == sizeof(shared_.buffer);
  Output::Task refusal = nullptr;
  if (count > 0 && shared_.offload->may_refuse() && conversation_.may_be_refused()) {
    refusal = [this](Output& output) { conversation_.Refuse(output); };
  }
  auto show = [this, bytes = std::string(shared_.buffer, count), is_full](Output& output) {
    conversation_.MoveToThisThread();
    if (bytes.empty()) {
      conversation_.OnEnd(output);
    } else {
      conversation_.OnBytes(bytes, output, is_full);
    }
    RunSession(output);
  };
  conversation_.Leave(RequestPart::kQueue);
  RunByHelper(std::move(show), std::move(refusal));
  return ParkUntilCalled(shared_.output);
}

// The output goes along: nothing is left to send, but the session may have asked for its timer.
bool EventConnection::ResumeByHelper(Output& output) {
  conversation_.Leave(RequestPart::kQueue);
  RunByHelper([this, own = std::exchange(output, Output())](Output& result) mutable {
    conversation_.MoveToThisThread();
    conversation_.Resume(own);
    RunSession(own);
    result = std::move(own);
  });
  return ParkUntilCalled(output);
}

// In the helper's thread: goes on until there is something to send or to wait for, so that a request with a task is not
// handed over twice. The loop sends the answer, but the helper has given it, and counts it.
void EventConnection::RunSession(Output& output) {
  for (FairShare share;;) {
    conversation_.NoteAnswer(output);
    CountRequests(output, OfService(Offload::CountersOfThisHelper(), service_), conversation_.entry());
    const Step step = conversation_.Next(output);
    const bool is_sessions = step == Step::kRunTask || step == Step::kResume;
    if (!is_sessions || !share.Allows(step)) return conversation_.Leave(RequestPart::kQueue);
    if (step == Step::kRunTask) {
      output.TakeWork()(output);
    } else {
      conversation_.Resume(output);
    }
  }
}

// What has happened while the session was away.
void EventConnection::CatchUp() {
  if (std::exchange(timer_rang_, false)) conversation_.OnTimer();
  if (shared_.stopping) conversation_.OnStop(shared_.grace_over);
}

// Lets go of the output, which is sent. If none was parked, the socket is still watched for reading, unless the session
// has taken no input, or takes none from now on. The mailbox is looked for again, because a session may get one while
// it handles input.
bool EventConnection::ReadOn() {
  shared_.wakes->Watch(conversation_.mailbox(), *this, mail_);
  if (parked_ == nullptr && conversation_.takes_input() == (awaited() != 0)) return true;
  parked_ = nullptr;
  return AwaitInput().ok();
}

// Keeps the output until the socket takes more of it, or, if the turn is over, until the next one. Asking anew for
// writability reports a socket that has room even with edges (Poller::Change()). If it was asked for before, only a
// level is reported again.
bool EventConnection::Park(Output& output, Flushed why) {
  conversation_.Leave(why == Flushed::kBlocked ? RequestPart::kPeer : RequestPart::kQueue);
  SetAside(output);
  if ((awaited() & Poller::kWritable) == 0) {
    // If the socket cannot be watched (ENOMEM or ENOSPC, epoll_ctl(2)), no event would ever come: the connection ends.
    return Await(static_cast<uint8_t>(Poller::kWritable | shared_.extra_events)).ok();
  }
  if (why == Flushed::kBudget && edge_triggered()) WaitForTurn();  // The socket was never full: no edge will come.
  return true;
}

// Keeps it until a timer or a helper calls. The socket is writable all the while, so it is not watched.
bool EventConnection::ParkUntilCalled(Output& output) {
  SetAside(output);
  static_cast<void>(Await(0));
  return true;
}

void EventConnection::SetAside(Output& output) {
  if (parked_ == nullptr) parked_ = std::make_unique<Output>(std::move(output));
}

// Stops sending, and waits a moment for the peer to close its side; see backends/connection/lingering_close.h. A parked
// output, though empty, keeps mail and the session's timer from going on with a conversation that is over.
bool EventConnection::Linger() {
  ::shutdown(fd_.get(), SHUT_WR);
  // No time is left to linger: what has come by now is discarded, so that at least this causes no reset.
  if (shared_.grace_over) return DiscardUnread(fd_.get()), false;
  if (parked_ == nullptr) parked_ = std::make_unique<Output>();
  if (!AwaitInput().ok()) return false;
  PauseFor(kLingeringCloseTimeout);
  return true;
}

// One read in a turn, as for input: a peer that sends on while it is ignored must not get more of the thread for that.
bool EventConnection::Discard() {
  const ssize_t count = ::recv(fd_.get(), shared_.buffer, sizeof(shared_.buffer), 0);
  if (count > 0 && edge_triggered()) WaitForTurn();
  return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN));
}

bool EventConnection::edge_triggered() const { return (shared_.extra_events & Poller::kEdge) != 0; }

void EventConnection::OnTurn() {
  if (is_away()) return;  // An event came first, in this iteration: OnReady() goes on.
  // A connection that lingers has an empty output parked (see Linger()).
  const bool sending = parked_ != nullptr && !is_lingering();
  if (!(sending ? OnWritable() : OnReadable())) {
    delete this;
    return;
  }
  if (!is_away() && std::exchange(timer_rang_, false)) RingTimer();
}

void EventConnection::OnPauseOver() {
  if (is_lingering() || !GoOn()) delete this;  // The pause of Linger() is over, or that of a session.
}

// Input that waits for its turn has come in time, and is shown first.
void EventConnection::OnTimer() {
  timer_rang_ = is_away() || waits_for_turn();
  if (!timer_rang_) RingTimer();
}

// With output parked, the session hears of the time once that is sent: Next() then asks for kResume by itself.
void EventConnection::RingTimer() {
  conversation_.OnTimer();
  if (parked_ == nullptr && !GoOn()) delete this;
}

// Mail, or a helper's result. A member that was cut off ends here at once, even with output parked: it was cut off
// because it does not read, so that output may never leave.
void EventConnection::OnReady() {
  if (is_away()) {
    if (!GoOn()) delete this;
    return;
  }
  const bool waits_for_peer = parked_ != nullptr && !has_helper_task();  // Then mail waits, too.
  if (conversation_.is_cut_off() || (!waits_for_peer && !GoOn())) delete this;
}

// With output parked, the stop shows once that is sent. A lingering connection has nothing more to say, so it ends with
// the grace.
void EventConnection::OnStop() {
  if (is_away()) return;  // CatchUp() learns of it.
  conversation_.OnStop(shared_.grace_over);
  const bool is_over = is_lingering() ? shared_.grace_over : parked_ == nullptr && !GoOn();
  if (is_over) delete this;
}

}  // namespace polyserve
