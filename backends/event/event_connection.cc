#include "backends/event/event_connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/time/time.h"
#include "backends/connection/ack_wait.h"
#include "backends/connection/closing_message.h"
#include "backends/connection/fairness.h"
#include "backends/connection/lingering_close.h"
#include "backends/connection/start_session.h"
#include "backends/poller/poller.h"
#include "base/logging.h"

namespace polyserve {

namespace {

// How often one connection may be shown input that was held up, before the others' turn.
constexpr int kRoundsPerTurn = 4;

}  // namespace

EventConnection::EventConnection(Connection connection, EventShared& shared)
    : EventClient(std::move(connection.fd), shared, connection.listener->number),
      conversation_(StartSession(*connection.listener, fd_.get())) {
  if (shared.stopping) conversation_.OnStop();
  shared.wakes->Watch(conversation_.mailbox(), *this, mail_);
}

EventConnection::~EventConnection() {
  if (parked_ == nullptr) SendClosingMessage(fd_.get(), conversation_, counters_);
}

void EventConnection::Start(Connection connection, EventShared& shared) {
  EventConnection* self = new EventConnection(std::move(connection), shared);
  if (absl::Status status = self->AwaitInput(); !status.ok()) {
    LOG(WARNING) << "cannot watch a connection, so it is closed: " << status.message();
    delete self;
  } else if (shared.grace_over) {
    self->OnStop();  // Nothing may ever come.
  }
}

absl::Status EventConnection::AwaitInput() {
  const int peer_closed = edge_triggered() ? Poller::kPeerClosed : 0;
  return Await(static_cast<uint8_t>(Poller::kReadable | peer_closed | shared_.extra_events));
}

void EventConnection::OnEvents(uint8_t events) {
  if ((events & Poller::kPeerClosed) != 0) end_has_come_ = true;
  const bool sending = (awaited() & Poller::kWritable) != 0;
  if (!(sending ? OnWritable() : OnReadable())) delete this;
}

bool EventConnection::OnReadable() {
  if (lingering_) return Discard();
  for (int reads = 0;;) {
    bool drained = false;
    if (!ReadOnce(drained)) return false;
    if (lingering_ || parked_ != nullptr) return true;
    // When the grace is over, a peer that is between two requests is read until nothing is left, and then closed.
    const bool leaving = conversation_.ends(shared_.grace_over);
    if (drained) return !leaving;
    if (++reads < shared_.reads_per_turn) continue;
    // An edge is told only once, so what is left has to be remembered; a level is told again.
    if (leaving || edge_triggered()) WaitForTurn();
    return true;
  }
}

// Reads once and answers. Sets `drained` if the socket has no more. With edges a short read says so, too (epoll(7)),
// which saves the call that would only say EAGAIN, but neither the peer's end nor a reset has an edge of its own if it
// came before the read: the former is told with the edge, and a reply that was sent rules the latter out.
bool EventConnection::ReadOnce(bool& drained) {
  const ssize_t count = ::recv(fd_.get(), shared_.buffer, sizeof(shared_.buffer), 0);
  if (count < 0) {
    drained = errno == EAGAIN;
    return drained || errno == EINTR;
  }
  NoteMove();
  if (count == 0) {
    conversation_.OnEnd(shared_.output);
  } else {
    Counters::Add(counters_.bytes_in, count);
    const bool more_may_follow = count == sizeof(shared_.buffer) && !shared_.grace_over;
    conversation_.OnBytes(absl::string_view(shared_.buffer, static_cast<size_t>(count)), shared_.output,
                          more_may_follow);
  }
  const bool has_reply = !shared_.output.empty();
  const Next next = Answer(shared_.output);
  shared_.output.Clear();
  drained = edge_triggered() && has_reply && next == Next::kRead && !end_has_come_ &&
            count < static_cast<ssize_t>(sizeof(shared_.buffer));
  return next != Next::kEnd;
}

bool EventConnection::OnWritable() {
  NoteMove();
  return GoOn();
}

// Goes on with what was parked.
bool EventConnection::GoOn() {
  if (works_elsewhere() && !TakeResult(*parked_)) return true;
  switch (Answer(*parked_)) {
    case Next::kEnd:
      return false;
    case Next::kWait:
      return true;
    case Next::kRead:
      return Unpark();
  }
  return false;
}

void EventConnection::OnPauseOver() {
  if (lingering_ || !GoOn()) delete this;  // The pause of Linger() is over, or that of a session.
}

void EventConnection::OnTimer() {
  if (parked_ != nullptr) {
    wake_is_due_ = true;
  } else if (!TellTime()) {
    delete this;
  }
}

bool EventConnection::TellTime() {
  conversation_.OnTime(shared_.output);
  if (!shared_.output.empty()) NoteMove();
  const Next next = Answer(shared_.output);
  shared_.output.Clear();
  return next != Next::kEnd;
}

// Where something is unsent still, mail waits with it.
bool EventConnection::TakeWhatHasCome() {
  if (conversation_.is_cut_off()) return false;
  if (works_elsewhere()) return GoOn();
  if (lingering_ || parked_ != nullptr) return true;
  NoteMove();
  const Next next = Answer(shared_.output);
  shared_.output.Clear();
  if (next == Next::kRead && shared_.stopping) return OnReadable();
  return next != Next::kEnd;
}

// Performs the output and all that it held up, for a turn; the rest is parked.
EventConnection::Next EventConnection::Answer(Output& output) {
  bool had_task = false;
  for (int rounds = 0; rounds < kRoundsPerTurn; ++rounds) {
    if (ReadElsewhere(output)) return ParkForHelper(output);
    Flushed result = Flush(fd_.get(), output, kBytesPerTurn, counters_);
    if (result == Flushed::kAll && output.has_work()) {
      if (had_task) return Park(output, Flushed::kBudget);  // One a turn: here it keeps all the others waiting.
      if (const absl::Duration pause = PauseLeft(fd_.get(), output); pause > absl::ZeroDuration()) {
        return ParkFor(output, pause);
      }
      if (shared_.offload != nullptr) {
        WorkElsewhere(output);
        return ParkForHelper(output);
      }
      had_task = true;
      output.TakeWork()(output);
      result = Flush(fd_.get(), output, kBytesPerTurn, counters_);
    }
    if (result == Flushed::kBroken) return Next::kEnd;
    if (result != Flushed::kAll) return Park(output, result);
    if (output.has_work()) continue;  // The task has made one more.
    if (conversation_.ended()) return Next::kEnd;
    if (output.closing()) return Linger();
    if (conversation_.ContinueInput(output)) continue;
    shared_.wakes->Watch(conversation_.mailbox(), *this, mail_);
    if (output.asks_for_wake()) SetTimer(output.TakeWakeIn());
    return Next::kRead;
  }
  return Park(output, Flushed::kBudget);
}

EventConnection::Next EventConnection::Park(Output& output, Flushed why) {
  SetAside(output);
  if ((awaited() & Poller::kWritable) == 0) {
    const int room = Poller::kWritable | shared_.extra_events;
    if (!Await(static_cast<uint8_t>(room)).ok()) return Next::kEnd;  // Nothing would tell when it can go on.
  } else if (why == Flushed::kBudget && edge_triggered()) {
    WaitForTurn();  // The socket was never full, so no edge will come.
  }
  return Next::kWait;
}

// For a pause that the session has asked for: the socket is writable all the while, and not asked.
EventConnection::Next EventConnection::ParkFor(Output& output, absl::Duration pause) {
  SetAside(output);
  static_cast<void>(Await(0));
  PauseFor(pause);
  return Next::kWait;
}

// Nothing is to be sent before the helper is done, so the socket is not asked.
EventConnection::Next EventConnection::ParkForHelper(Output& output) {
  SetAside(output);
  static_cast<void>(Await(0));
  return Next::kWait;
}

void EventConnection::SetAside(Output& output) {
  if (parked_ == nullptr) parked_ = std::make_unique<Output>(std::move(output));
}

// Goes on reading, and with what had to wait for it.
bool EventConnection::Unpark() {
  parked_ = nullptr;
  if (!AwaitInput().ok()) return false;
  if (std::exchange(wake_is_due_, false) && !TellTime()) return false;
  if (lingering_ || parked_ != nullptr) return true;
  return !shared_.stopping || OnReadable();  // What the stop waited for may have been this.
}

// Stops sending, and waits a moment for the peer to close its side; see backends/connection/lingering_close.h.
EventConnection::Next EventConnection::Linger() {
  ::shutdown(fd_.get(), SHUT_WR);
  if (shared_.grace_over) return DiscardUnread(fd_.get()), Next::kEnd;
  lingering_ = true;
  if (parked_ == nullptr) parked_ = std::make_unique<Output>();
  if (!AwaitInput().ok()) return Next::kEnd;
  PauseFor(kLingerTime);
  return Next::kWait;
}

bool EventConnection::Discard() {
  const ssize_t count = ::recv(fd_.get(), shared_.buffer, sizeof(shared_.buffer), 0);
  if (count > 0 && edge_triggered()) WaitForTurn();
  return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN));
}

bool EventConnection::edge_triggered() const { return (shared_.extra_events & Poller::kEdge) != 0; }

Debt EventConnection::debt() const {
  if (lingering_) return Debt::kNothing;  // That has an end of its own.
  if (parked_ != nullptr) return Debt::kAcknowledgement;
  return conversation_.awaits_rest_of_request() ? Debt::kRestOfRequest : Debt::kNothing;
}

void EventConnection::OnTurn() {
  const bool sending = parked_ != nullptr && !lingering_;
  if (!(sending ? OnWritable() : OnReadable())) delete this;
}

void EventConnection::OnReady() {
  if (!TakeWhatHasCome()) delete this;
}

void EventConnection::OnStop() {
  conversation_.OnStop();
  const bool is_over = lingering_ ? shared_.grace_over : parked_ == nullptr && !OnReadable();
  if (is_over) delete this;
}

}  // namespace polyserve
