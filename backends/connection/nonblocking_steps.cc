#include "backends/connection/nonblocking_steps.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/string_view.h"
#include "backends/connection/ack_wait.h"
#include "backends/connection/fair_share.h"
#include "backends/connection/fairness.h"
#include "backends/connection/flush.h"
#include "backends/connection/lingering_close.h"
#include "backends/connection/start_conversation.h"
#include "backends/connection/timed_receive.h"
#include "net/request_times.h"

namespace polyserve {

NonblockingSteps::NonblockingSteps(const Listener& listener, int fd)
    : fd_(fd), conversation_(StartConversation(listener, fd)) {}

// No wait of its owner need know the session's timer, so each turn looks at the clock.
NonblockingSteps::Outcome NonblockingSteps::TakeTurn(Workspace& space, Counters& counters) {
  if (space.stopping) conversation_.OnStop(space.grace_over);
  if (timer_.has_value() && timer_->passed()) {
    timer_.reset();
    conversation_.OnTimer();
  }
  const Outcome outcome = TakeSteps(space, has_output_ ? output_ : space.output, counters);
  Leave(outcome);
  KeepOutput(outcome, space.output);
  return outcome;
}

NonblockingSteps::Needs NonblockingSteps::needs() const {
  const absl::Duration timer = timer_.has_value() ? timer_->Left() : absl::InfiniteDuration();
  switch (conversation_.step()) {
    case Step::kRead:
      return {.input = conversation_.takes_input(), .time = timer};
    case Step::kAwaitAck:
    case Step::kAsk:
      return {.time = wait_};
    case Step::kLinger:
      return {.input = true, .time = linger_end_->Left()};
    case Step::kSend:
      return {.room = true};
    default:  // It has used up its turn, or is to read what may be there.
      return {.input = true, .room = true};
  }
}

// Takes steps until the next one would have to wait, or is for the next turn. `outcome` remembers whether any step has
// moved something.
NonblockingSteps::Outcome NonblockingSteps::TakeSteps(Workspace& space, Output& output, Counters& counters) {
  FairShare share;
  for (Outcome outcome = Outcome::kNothing;; outcome = Outcome::kMoved) {
    const Step step = conversation_.Next(output);
    if (space.takes != nullptr && step != Step::kRead && !space.takes(step)) return Outcome::kHandOver;
    if (!share.Allows(step)) return Outcome::kMoved;
    switch (step) {
      case Step::kRead:
        // One read a turn, and only at its beginning: what this client sends next is for the next round.
        if (outcome == Outcome::kMoved || !conversation_.takes_input()) return outcome;
        // With nonblock usually kNothing: with a thousand idle clients, a round makes this call a thousand times.
        if (const Outcome read = Receive(space, output, counters); read != Outcome::kMoved) return read;
        break;
      case Step::kReadLast:
        if (Receive(space, output, counters) == Outcome::kOver) return Outcome::kOver;
        break;
      case Step::kSend: {
        const int64_t unsent = output.unsent_bytes();
        const Flushed sent = Flush(fd_, output, kBytesPerTurn, counters, conversation_.entry());
        if (sent == Flushed::kBroken) return Outcome::kOver;
        if (sent == Flushed::kAll) break;
        is_full_ = sent == Flushed::kBlocked;
        // Only bytes that have left count as a move: a peer that does not read must not keep a loop from sleeping.
        return output.unsent_bytes() < unsent ? Outcome::kMoved : outcome;
      }
      case Step::kAwaitAck:
        wait_ = AckWaitLeft(fd_, output);
        if (wait_ > absl::ZeroDuration()) return outcome;
        break;
      case Step::kAsk:
        if (Upstream& upstream = Upstream::Of(output); !upstream.Step()) {
          wait_ = upstream.Left();
          return outcome;
        }
        Upstream::Answer(output);
        break;
      case Step::kRunTask:
        // In place: this thread has no helpers.
        output.TakeWork()(output);
        break;
      case Step::kResume:
        conversation_.Resume(output);
        break;
      case Step::kSetTimer:
        timer_.emplace(conversation_.TakeTimer(output));
        break;
      case Step::kLinger:
        return Linger(space);
      case Step::kEnd:
        return Outcome::kOver;
    }
  }
}

// One recv(2). kNothing: it would have had to wait. kOver: the peer has broken off the connection. The socket is
// non-blocking: EAGAIN, with nonblock by far the most frequent result, means that the client has sent nothing.
NonblockingSteps::Outcome NonblockingSteps::Receive(Workspace& space, Output& output, Counters& counters) {
  if (space.timed != nullptr) {
    return TakeIn(ReceiveTimed(fd_, space.buffer, sizeof(space.buffer), 0, *space.timed, conversation_), space, output,
                  counters);
  }
  const ssize_t count = ::recv(fd_, space.buffer, sizeof(space.buffer), 0);
  return TakeIn(count, space, output, counters);
}

// What a receive has brought: its result, and errno.
NonblockingSteps::Outcome NonblockingSteps::TakeIn(ssize_t count, Workspace& space, Output& output,
                                                   Counters& counters) {
  if (count < 0 && errno != EAGAIN) return Outcome::kOver;
  if (count < 0) {
    conversation_.OnDrained();
    return Outcome::kNothing;
  }
  if (count == 0) {
    conversation_.OnEnd(output);
  } else {
    Counters::Add(counters.bytes_in, count);
    conversation_.OnBytes(absl::string_view(space.buffer, static_cast<size_t>(count)), output,
                          count == sizeof(space.buffer));
  }
  return Outcome::kMoved;
}

// Between turns the lent output must be empty. If something is unsent, the output moves to the client; once all is
// sent, its buffers go back, so that only slow readers own any.
void NonblockingSteps::KeepOutput(Outcome outcome, Output& lent) {
  const bool is_sent = outcome == Outcome::kOver || conversation_.waits_for_input();
  Output& output = has_output_ ? output_ : lent;
  if (is_sent) output.Clear();
  if (is_sent != has_output_) return;
  (is_sent ? lent : output_) = std::exchange(output, Output());
  has_output_ = !is_sent;
}

// What the request waits for now.
void NonblockingSteps::Leave(Outcome outcome) {
  if (!conversation_.is_timed()) return;
  if (outcome == Outcome::kHandOver) return conversation_.Leave(RequestPart::kQueue);
  const Step step = conversation_.step();
  const bool waits_by_itself = step == Step::kAwaitAck || step == Step::kAsk;
  const bool waits_for_peer = step == Step::kSend && is_full_;
  conversation_.Leave(waits_by_itself ? RequestPart::kWait : waits_for_peer ? RequestPart::kPeer : RequestPart::kQueue);
}

// Discards what comes until the peer closes its side, a piece each turn; see lingering_close.h. The time is the bound,
// and the grace of a stop.
NonblockingSteps::Outcome NonblockingSteps::Linger(Workspace& space) {
  if (!linger_end_.has_value()) {
    ::shutdown(fd_, SHUT_WR);
    linger_end_.emplace(kLingeringCloseTimeout);
  }
  if (linger_end_->passed()) return Outcome::kOver;
  const ssize_t count = ::recv(fd_, space.buffer, sizeof(space.buffer), 0);
  if (count > 0) return Outcome::kMoved;
  return count < 0 && errno == EAGAIN && !space.grace_over ? Outcome::kNothing : Outcome::kOver;
}

}  // namespace polyserve
