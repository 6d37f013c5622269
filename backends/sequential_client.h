// SequentialClient: what a model whose text of a conversation is one function, from the first byte to the last, asks of
// a client of an event loop. Each step comes in two parts: a call that does what can be done now, and a wait for what
// is left, which suspends the function only if something is.
//
//   Next() ─▶ kRead       Input()                     Receive()
//             kSend       Send()                      Room()
//             kRunTask    Task()                      (runs here, or by a helper)
//             kLinger     Linger()                    LingerInput()
//             kAwaitAck   Acknowledgement()
//             kAsk        Reply()                     (goes on with another server, and waits for it)
//
// Socket is how it waits, and Socket::Wait what the waits return:
//
//   coroutine.cc   AwaitableSocket   something to `co_await`; during it the loop may destroy the frame
//   fiber.cc       FiberSocket       a bool, once the wait is over; false: return now, the connection is to end
//   stealing.cc    RoamingSocket     something to `co_await`, behind which the thread may be another one
//
// Whatever must be done at the end is done by destructors. Belongs to the loop's thread, or to the one that serves it
// for the moment, which lends it what it needs (lent()). No call blocks. The functions stand in the header because each
// request calls several of them.
#ifndef POLYSERVE_BACKENDS_SEQUENTIAL_CLIENT_H_
#define POLYSERVE_BACKENDS_SEQUENTIAL_CLIENT_H_

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "backends/connection/ack_wait.h"
#include "backends/connection/closing_message.h"
#include "backends/connection/conversation.h"
#include "backends/connection/fair_share.h"
#include "backends/connection/fairness.h"
#include "backends/connection/flush.h"
#include "backends/connection/lingering_close.h"
#include "backends/connection/start_conversation.h"
#include "backends/connection/timed_receive.h"
#include "backends/connection/timed_turn.h"
#include "backends/event/event_client.h"
#include "net/deadline.h"
#include "net/request_times.h"
#include "net/socket.h"
#include "net/statistics.h"
#include "net/wake_list.h"
#include "protocol/output.h"

namespace polyserve {

template <typename Socket>
class SequentialClient : public Socket {
 public:
  bool may_be_refused() const override { return conversation_.may_be_refused(); }

  using Socket::After;
  using Socket::Asked;
  using Socket::Called;
  using Socket::counters;
  using Socket::fd;
  using Socket::has_helper_task;
  using Socket::has_helpers;
  using Socket::lent;
  using Socket::NextTurn;
  using Socket::NoteMove;
  using Socket::NoWait;
  using Socket::Readable;
  using Socket::ReadableUntil;
  using Socket::ReadByHelper;
  using Socket::Result;
  using Socket::RunByHelper;
  using Socket::SetTimer;
  using Socket::TakeEvent;
  using Socket::TakeWake;
  using Socket::timed;
  using Socket::Writable;
  using typename Socket::Wait;

  // Takes over the connection, which must be non-blocking and counted in; its end is counted by EventClient. `shared`
  // must outlive it. `of_socket` goes to the socket's constructor, behind the others.
  template <typename... OfSocket>
  SequentialClient(Connection connection, EventShared& shared, OfSocket&... of_socket)
      : Socket(std::move(connection.fd), shared, connection.listener->number, of_socket...),
        conversation_(StartConversation(*connection.listener, fd())) {}
  // Sends the session's last words if the socket takes them at once. The base class then closes the socket.
  ~SequentialClient() override { SendClosingMessage(fd(), conversation_, counters()); }

  // The next step. Any wait but Result() may end early, because of mail, the timer or the stop; this finds out what the
  // reason means for the conversation.
  Step Next() {
    if (output_ == nullptr) TakeOutput();
    if (lent().stopping) conversation_.OnStop(lent().grace_over);
    if (TakeWake()) conversation_.OnTimer();
    return conversation_.Next(*output_);
  }

  // Whether the step may be done in this iteration of the loop. False: it is for the next one, with a new share.
  bool Allows(Step step) {
    if (share_.Allows(step)) return true;
    share_ = FairShare();
    conversation_.Leave(RequestPart::kQueue);
    return false;
  }

  // Waits for input, if the session takes any, or, at kReadLast, for the others' turn. Call it when all output is sent:
  // it gives the output to the loop, so that a client that waits has none. Mail ends the wait, too, even if the mailbox
  // is a moment old: http becomes a chat in the middle of a conversation.
  Wait Input() {
    output_->Clear();
    lent().spare_output = std::move(output_);
    Socket::WatchMail(conversation_.mailbox(), mail_);
    if (conversation_.step() != Step::kRead) return NextTurn();
    return conversation_.takes_input() ? Readable(conversation_.debt()) : Called();
  }

  // Reads what has come, and shows it to the session, with the loop's spare output, which stays with the client until
  // the next Input(). If the wait for input has ended for another reason, such as mail, it saves the call, which would
  // find nothing; nor is it an error if one does. False: the peer has broken off the connection.
  bool Receive() {
    TakeOutput();
    share_ = FairShare();
    if (!conversation_.takes_input()) return true;
    if (conversation_.step() == Step::kRead && !TakeEvent()) return true;
    if (const TimedWait* const wait = timed(); wait != nullptr) {
      return TakeIn(ReceiveTimed(fd(), lent().buffer, kReadBytes, 0, *wait, conversation_));
    }
    const ssize_t count = ::recv(fd(), lent().buffer, kReadBytes, 0);
    return TakeIn(count);
  }

  // Sends as much as the socket takes, at most a turn's worth. If the next part of a file is not in memory, it sends
  // nothing, and has a helper read that part (--offload_files). False: the peer has broken off the connection.
  bool Send() {
    sent_ = ReadByHelper(*output_) ? Flushed::kAll
                                   : Flush(fd(), *output_, kBytesPerTurn, counters(), conversation_.entry());
    return sent_ != Flushed::kBroken;
  }

  // Waits for what has kept Send() from sending everything: the helper, the peer, or the others' turn. Goes on at once
  // if nothing has.
  Wait Room() {
    const bool reads_file = has_helper_task();
    if (!reads_file && sent_ == Flushed::kAll) return NoWait();
    conversation_.Leave(!reads_file && sent_ == Flushed::kBlocked ? RequestPart::kPeer : RequestPart::kQueue);
    if (reads_file) return Result(*output_);
    return sent_ == Flushed::kBlocked ? Writable() : NextTurn();
  }

  // Waits before the peer's acknowledgement is asked for again, or until a pause of the session is over; see
  // backends/connection/ack_wait.h.
  Wait Acknowledgement() {
    const absl::Duration left = AckWaitLeft(fd(), *output_);
    if (left == absl::ZeroDuration()) return NoWait();
    conversation_.Leave(RequestPart::kWait);
    return After(left);
  }

  // Asks another server what the session wants to know, and waits for the reply, which is in the output then.
  Wait Reply() {
    if (Socket::GoOnAsking(*output_)) return NoWait();
    conversation_.Leave(RequestPart::kWait);
    return Asked();
  }

  // Runs the session's task: here, which delays all clients of the loop, or by a helper (--offload). In both cases the
  // peer's silence begins anew: it has waited for us, perhaps for a pause before the task.
  Wait Task() {
    if (!has_helpers()) {
      output_->TakeWork()(*output_);
      NoteMove();
      return NoWait();
    }
    RunByHelper(conversation_.TakeTask(*output_));
    return Result(*output_);
  }

  // Neither of the two waits: Next() follows. What the session says without being asked, because of mail or its timer,
  // is a sign of life as input is.
  void Resume() {
    conversation_.Resume(*output_);
    if (!output_->empty()) NoteMove();
  }
  void StartTimer() { SetTimer(conversation_.TakeTimer(*output_)); }

  // Closes our side at the first call, and then discards what comes; see backends/connection/lingering_close.h. False:
  // that is over, because the peer has closed its side, the time has passed, or the server's grace has.
  bool Linger() {
    const bool begins = !linger_end_.has_value();
    if (begins) {
      ::shutdown(fd(), SHUT_WR);
      linger_end_.emplace(kLingeringCloseTimeout);
    }
    if (lent().grace_over || linger_end_->passed()) return DiscardUnread(fd()), false;
    if (begins) return true;
    const ssize_t count = ::recv(fd(), lent().buffer, kReadBytes, 0);
    return count > 0 || (count < 0 && errno == EAGAIN);
  }
  // Waits for more to discard, until the end of the linger.
  Wait LingerInput() { return ReadableUntil(*linger_end_); }

 protected:
  Conversation conversation_;

 private:
  // What a receive has brought: its result, and errno.
  bool TakeIn(ssize_t count) {
    if (count < 0) return conversation_.OnDrained(), errno == EAGAIN;
    if (count == 0) return conversation_.OnEnd(*output_), true;
    Counters::Add(counters().bytes_in, count);
    if (Socket::IsRefused(conversation_)) return conversation_.Refuse(*output_), true;
    const bool is_full = count == kReadBytes;
    conversation_.OnBytes(absl::string_view(lent().buffer, static_cast<size_t>(count)), *output_, is_full);
    return true;
  }

  void TakeOutput() {
    output_ = std::move(lent().spare_output);
    if (output_ == nullptr) output_ = std::make_unique<Output>();
  }

  std::unique_ptr<WakeList::Entry> mail_;  // Null if there is no mailbox.
  std::unique_ptr<Output> output_;         // Null while it waits for input, and before the first step.
  FairShare share_;                        // Of this iteration.
  Flushed sent_ = Flushed::kAll;           // By the last Send().
  std::optional<Deadline> linger_end_;     // Set once our side is closed.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_SEQUENTIAL_CLIENT_H_
