// CoroutineClient: what Converse() (backends/coroutine.cc) asks of a client. Each step comes in two parts: a call that
// does what can be done now, and a Wait to `co_await` for what is left, which suspends the coroutine only if something
// is.
//
//   Next() ─▶ kRead       co_await Input()            Receive()
//             kSend       Send()                      co_await Room()
//             kRunTask    co_await Task()             (runs here, or by a helper)
//             kLinger     Linger()                    co_await LingerInput()
//             kAwaitAck   co_await Acknowledgement()
//
// Of the loop's thread alone. The calls never block. Its functions stand here, since they are called for each request.
#ifndef POLYSERVE_BACKENDS_COROUTINE_CLIENT_H_
#define POLYSERVE_BACKENDS_COROUTINE_CLIENT_H_

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
#include "backends/connection/start_session.h"
#include "backends/event/awaitable_socket.h"
#include "backends/event/event_client.h"
#include "net/deadline.h"
#include "net/statistics.h"
#include "net/wake_list.h"
#include "protocol/output.h"

namespace polyserve {

class CoroutineClient : public AwaitableSocket {
 public:
  CoroutineClient(Connection connection, EventShared& shared)
      : AwaitableSocket(std::move(connection.fd), shared, connection.listener->number),
        conversation_(StartSession(*connection.listener, fd())) {}
  ~CoroutineClient() override { SendClosingMessage(fd(), conversation_, counters()); }

  // The next step. Any wait but Result() may have ended early, because of mail, the timer or the stop; this finds out
  // what that means.
  Step Next() {
    if (shared_.stopping) conversation_.OnStop(shared_.grace_over);
    if (TakeWake()) conversation_.OnTimer();
    return conversation_.Next(output_);
  }

  // False: the step is for the loop's next iteration.
  bool Allows(Step step) {
    if (share_.Allows(step)) return true;
    share_ = FairShare();
    return false;
  }

  // For input, or, at kReadLast, for the others' turn. The buffers are the loop's: while it waits, a client has none.
  Wait Input() {
    output_.Clear();
    shared_.output = std::move(output_);
    shared_.wakes->Watch(conversation_.mailbox(), *this, mail_);
    return conversation_.step() == Step::kRead ? Readable(conversation_.debt()) : NextTurn();
  }

  // Reads what has come, and shows it to the session. False: the peer has broken off the connection.
  bool Receive() {
    output_ = std::move(shared_.output);
    share_ = FairShare();
    const ssize_t count = ::recv(fd(), shared_.buffer, sizeof(shared_.buffer), 0);
    if (count < 0) return conversation_.OnDrained(), errno == EAGAIN;
    if (count == 0) return conversation_.OnEnd(output_), true;
    Counters::Add(counters().bytes_in, count);
    const bool is_full = count == sizeof(shared_.buffer);
    conversation_.OnBytes(absl::string_view(shared_.buffer, static_cast<size_t>(count)), output_, is_full);
    return true;
  }

  // False: the peer has broken off the connection.
  bool Send() {
    sent_ = ReadByHelper(output_) ? Flushed::kAll : Flush(fd(), output_, kBytesPerTurn, counters());
    return sent_ != Flushed::kBroken;
  }

  // For what Send() waits for, if anything.
  Wait Room() {
    if (has_helper_task()) return Result(output_);
    if (sent_ == Flushed::kBlocked) return Writable();
    return sent_ == Flushed::kBudget ? NextTurn() : NoWait();
  }

  Wait Acknowledgement() {
    const absl::Duration left = AckWaitLeft(fd(), output_);
    return left > absl::ZeroDuration() ? After(left) : NoWait();
  }

  // Runs the task here, or waits for a helper that does.
  Wait Task() {
    if (shared_.offload == nullptr) return output_.TakeWork()(output_), NoWait();
    RunByHelper(output_);
    return Result(output_);
  }

  void Resume() { conversation_.Resume(output_); }
  void StartTimer() { SetTimer(conversation_.TakeTimer(output_)); }

  // Closes our side, then discards what comes; see backends/connection/lingering_close.h. False: that is over.
  bool Linger() {
    const bool begins = !linger_end_.has_value();
    if (begins) {
      ::shutdown(fd(), SHUT_WR);
      linger_end_.emplace(kLingeringCloseTimeout);
    }
    if (shared_.grace_over || linger_end_->passed()) return DiscardUnread(fd()), false;
    if (begins) return true;
    const ssize_t count = ::recv(fd(), shared_.buffer, sizeof(shared_.buffer), 0);
    return count > 0 || (count < 0 && errno == EAGAIN);
  }
  Wait LingerInput() { return ReadableUntil(*linger_end_); }

 private:
  Conversation conversation_;
  std::unique_ptr<WakeList::Entry> mail_;  // Null if there is no mailbox.
  Output output_;
  FairShare share_;
  Flushed sent_ = Flushed::kAll;        // By the last Send().
  std::optional<Deadline> linger_end_;  // Set once our side is closed.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_COROUTINE_CLIENT_H_
