#include "backends/nonblock_client.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/connection/ack_wait.h"
#include "backends/connection/closing_message.h"
#include "backends/connection/fairness.h"
#include "backends/connection/flush.h"
#include "backends/connection/lingering_close.h"
#include "backends/connection/start_session.h"
#include "net/tcp_bytes.h"

namespace polyserve {

NonblockClient::NonblockClient(Connection connection, NonblockShared& shared)
    : shared_(shared),
      counters_(OfService(shared.counters, connection.listener->number)),
      fd_(std::move(connection.fd)),
      watch_(shared.ticks),
      conversation_(StartSession(*connection.listener, fd_.get())) {}

NonblockClient::~NonblockClient() {
  if (!answering_) SendClosingMessage(fd_.get(), conversation_, counters_);
  CountEnd(counters_, shared_.connection_limit);
}

NonblockClient::Outcome NonblockClient::Step() {
  if (conversation_.is_cut_off()) return Outcome::kOver;
  const Outcome outcome = linger_.has_value() ? Linger() : answering_ ? Answer() : Receive();
  if (outcome == Outcome::kMoved) watch_.NoteMove(shared_.ticks);
  return outcome;
}

bool NonblockClient::OnTick() {
  const Debt owed = debt();
  if (JudgeProgress(fd_.get(), shared_.limits, owed, shared_.ticks, watch_) == Progress::kAlive) return true;
  if (owed == Debt::kAcknowledgement) ResetOnClose(fd_.get());
  return false;
}

Debt NonblockClient::debt() const {
  if (linger_.has_value()) return Debt::kNothing;  // That has an end of its own.
  if (answering_) return Debt::kAcknowledgement;
  return conversation_.awaits_rest_of_request() ? Debt::kRestOfRequest : Debt::kNothing;
}

NonblockClient::Outcome NonblockClient::Receive() {
  if (shared_.stopping) conversation_.OnStop();
  if (wake_.has_value() && wake_->passed()) return TellTime();
  const ssize_t count = ::recv(fd_.get(), shared_.buffer, sizeof(shared_.buffer), 0);
  if (count < 0 && errno != EAGAIN) return Outcome::kOver;
  if (count < 0 && !conversation_.has_mail()) {
    return conversation_.ends(shared_.grace_over) ? Outcome::kOver : Outcome::kNothing;
  }
  output_ = std::move(shared_.output);
  answering_ = true;
  if (count == 0) {
    conversation_.OnEnd(output_);
  } else if (count > 0) {
    Counters::Add(counters_.bytes_in, count);
    const bool more_may_follow = count == sizeof(shared_.buffer) && !shared_.grace_over;
    conversation_.OnBytes(absl::string_view(shared_.buffer, static_cast<size_t>(count)), output_, more_may_follow);
  }
  return Answer();
}

NonblockClient::Outcome NonblockClient::TellTime() {
  wake_.reset();
  output_ = std::move(shared_.output);
  conversation_.OnTime(output_);
  answering_ = true;
  return Answer();
}

// Sends, and then goes one step on: a task, or more of the input that was held up. The next step is for the next turn.
NonblockClient::Outcome NonblockClient::Answer() {
  const int64_t unsent = output_.unsent_bytes();
  const Flushed sent = Flush(fd_.get(), output_, kBytesPerTurn, counters_);
  if (sent == Flushed::kBroken) return Outcome::kOver;
  if (sent == Flushed::kBlocked) return output_.unsent_bytes() < unsent ? Outcome::kMoved : Outcome::kNothing;
  if (sent == Flushed::kBudget) return Outcome::kMoved;
  if (PauseLeft(fd_.get(), output_) > absl::ZeroDuration()) return Outcome::kNothing;
  if (output_.has_work()) {
    output_.TakeWork()(output_);
  } else if (conversation_.ended()) {
    return Outcome::kOver;
  } else if (output_.closing()) {
    ::shutdown(fd_.get(), SHUT_WR);
    linger_.emplace(kLingerTime);
  } else if (!conversation_.ContinueInput(output_)) {
    if (output_.asks_for_wake()) wake_.emplace(output_.TakeWakeIn());
    answering_ = false;
    output_.Clear();
    shared_.output = std::move(output_);
  }
  return Outcome::kMoved;
}

// Waits a moment for the peer to close its side; see backends/connection/lingering_close.h.
NonblockClient::Outcome NonblockClient::Linger() {
  if (linger_->passed()) return Outcome::kOver;
  const ssize_t count = ::recv(fd_.get(), shared_.buffer, sizeof(shared_.buffer), 0);
  if (count > 0) return Outcome::kMoved;
  return count < 0 && errno == EAGAIN && !shared_.grace_over ? Outcome::kNothing : Outcome::kOver;
}

}  // namespace polyserve
