#include "backends/nonblock_client.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/connection/ack_wait.h"
#include "backends/connection/closing_message.h"
#include "backends/connection/fair_share.h"
#include "backends/connection/fairness.h"
#include "backends/connection/flush.h"
#include "backends/connection/lingering_close.h"
#include "backends/connection/start_conversation.h"
#include "net/tcp_bytes.h"

namespace polyserve {

NonblockClient::NonblockClient(Connection connection, NonblockShared& shared)
    : shared_(shared),
      counters_(OfService(shared.counters, connection.listener->number)),
      fd_(std::move(connection.fd)),
      watch_(shared.ticks),
      conversation_(StartConversation(*connection.listener, fd_.get())) {}

NonblockClient::~NonblockClient() {
  SendClosingMessage(fd_.get(), conversation_, counters_);
  CountEnd(counters_, shared_.connection_limit);
}

NonblockClient::Outcome NonblockClient::TakeTurn() {
  if (shared_.stopping) conversation_.OnStop(shared_.grace_over);
  // No wait of this model could be ended by a timer, so each turn looks at the clock.
  if (timer_.has_value() && timer_->passed()) {
    timer_.reset();
    conversation_.OnTimer();
  }
  const Outcome outcome = TakeSteps(has_output_ ? output_ : shared_.output);
  KeepOutput(outcome);
  if (outcome == Outcome::kMoved) watch_.NoteMove(shared_.ticks);
  return outcome;
}

bool NonblockClient::OnTick() {
  const Debt owed = conversation_.debt();
  if (JudgeProgress(fd_.get(), shared_.limits, owed, shared_.ticks, watch_) == Progress::kAlive) return true;
  // The peer learns that its reply was cut short, and the kernel frees what is unsent.
  if (owed == Debt::kAcknowledgement) ResetOnClose(fd_.get());
  return false;
}

// Takes steps until the next one would have to wait, or is for the next turn. `outcome` remembers whether any step has
// moved something, since the loop sleeps only after a round in which none has.
NonblockClient::Outcome NonblockClient::TakeSteps(Output& output) {
  FairShare share;
  for (Outcome outcome = Outcome::kNothing;; outcome = Outcome::kMoved) {
    const Step step = conversation_.Next(output);
    if (!share.Allows(step)) return Outcome::kMoved;
    switch (step) {
      case Step::kRead:
        // One read a turn, and only at its beginning: what this client sends next is for the next round.
        if (outcome == Outcome::kMoved) return Outcome::kMoved;
        // Usually kNothing: with a thousand idle clients, a round makes this call a thousand times.
        if (const Outcome read = Receive(output); read != Outcome::kMoved) return read;
        break;
      case Step::kReadLast:
        if (Receive(output) == Outcome::kOver) return Outcome::kOver;
        break;
      case Step::kSend: {
        const int64_t unsent = output.unsent_bytes();
        const Flushed sent = Flush(fd_.get(), output, kBytesPerTurn, counters_, conversation_.entry());
        if (sent == Flushed::kBroken) return Outcome::kOver;
        // Only bytes that have left count as a move: a peer that does not read must not keep the loop from sleeping.
        if (sent != Flushed::kAll) return output.unsent_bytes() < unsent ? Outcome::kMoved : outcome;
        break;
      }
      case Step::kAwaitAck:
        if (AckWaitLeft(fd_.get(), output) > absl::ZeroDuration()) return outcome;
        break;
      case Step::kRunTask:
        // In place, since the model has no helpers: all other clients wait until it is done.
        output.TakeWork()(output);
        break;
      case Step::kResume:
        conversation_.Resume(output);
        break;
      case Step::kSetTimer:
        timer_.emplace(conversation_.TakeTimer(output));
        break;
      case Step::kLinger:
        return Linger();
      case Step::kEnd:
        return Outcome::kOver;
    }
  }
}

// One recv(2). kNothing: it would have had to wait. kOver: the peer has broken off the connection. accept4(2) has made
// the socket non-blocking: EAGAIN, by far the most frequent result, means that the client has sent nothing.
NonblockClient::Outcome NonblockClient::Receive(Output& output) {
  const ssize_t count = ::recv(fd_.get(), shared_.buffer, sizeof(shared_.buffer), 0);
  if (count < 0 && errno != EAGAIN) return Outcome::kOver;
  if (count < 0) {
    conversation_.OnDrained();
    return Outcome::kNothing;
  }
  if (count == 0) {
    conversation_.OnEnd(output);
  } else {
    Counters::Add(counters_.bytes_in, count);
    conversation_.OnBytes(absl::string_view(shared_.buffer, static_cast<size_t>(count)), output,
                          count == sizeof(shared_.buffer));
  }
  return Outcome::kMoved;
}

// Between turns the shared output must be empty. If something is unsent, the output moves to the client; once all is
// sent, its buffers go back, so that only slow readers own any.
void NonblockClient::KeepOutput(Outcome outcome) {
  const bool is_sent = outcome == Outcome::kOver || conversation_.waits_for_input();
  Output& output = has_output_ ? output_ : shared_.output;
  if (is_sent) output.Clear();
  if (is_sent != has_output_) return;
  (is_sent ? shared_.output : output_) = std::exchange(output, Output());
  has_output_ = !is_sent;
}

// Discards what comes until the peer closes its side, a piece each turn; see backends/connection/lingering_close.h. The
// time is the bound, and the grace of a stop.
NonblockClient::Outcome NonblockClient::Linger() {
  if (!linger_end_.has_value()) {
    ::shutdown(fd_.get(), SHUT_WR);
    linger_end_.emplace(kLingeringCloseTimeout);
  }
  if (linger_end_->passed()) return Outcome::kOver;
  const ssize_t count = ::recv(fd_.get(), shared_.buffer, sizeof(shared_.buffer), 0);
  if (count > 0) return Outcome::kMoved;
  return count < 0 && errno == EAGAIN && !shared_.grace_over ? Outcome::kNothing : Outcome::kOver;
}

}  // namespace polyserve
