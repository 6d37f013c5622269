#include "backends/connection/conversation.h"

#include <utility>

namespace polyserve {

// Input that comes before its turn is kept and not shown: its answer would grow an output that the peer does not take.
// How much is kept is up to the driver, which stops reading meanwhile.
void Conversation::OnBytes(absl::string_view bytes, Output& output, bool is_full) {
  if (is_cut_off()) return;  // So that no reply is begun, and the closing message can be sent.
  is_drained_ = false;
  is_asked_again_ = stop_ != Stop::kNone;
  if (!takes_input()) {
    Hold(bytes);
    paused_ = true;
    return;
  }
  // Once the grace is over, the answer to these bytes is the last one, whatever may be on its way.
  more_may_follow_ = is_full && stop_ != Stop::kGraceOver;
  if (held_ == nullptr) return Show(bytes, output);  // The usual case: nothing is copied.
  Hold(bytes);
  Show(held_->rest(), output);
}

void Conversation::Refuse(Output& output) {
  has_unsent_ = true;
  session_->OnOverload(output);
  output.Close();
}

// The peer has finished sending, but as far as TCP can tell it still reads (it may have called shutdown(2) with
// SHUT_WR), so the replies are sent to the end. If the end comes out of turn, it is held up as bytes are, and the
// kResume that follows shows it.
void Conversation::OnEnd(Output& output) {
  peer_end_ = PeerEnd::kHasCome;
  if (takes_input()) return ShowEnd(output);
  paused_ = true;
}

// A loop may call it in every turn: the session hears of the stop once, and only a change is news.
bool Conversation::OnStop(bool grace_over) {
  if (stop_ == Stop::kNone) session_->OnStop();
  const Stop stop = grace_over ? Stop::kGraceOver : Stop::kStopping;
  return std::exchange(stop_, stop) != stop;
}

// One source in each call, since each may fill the output. Input that was held up goes first: the session has stopped
// in the middle of it, and neither the time nor mail may come in between.
void Conversation::Resume(Output& output) {
  is_drained_ = false;
  // Assumed until Next() looks: a closing message must not end up within what the session is about to write.
  has_unsent_ = true;
  if (paused_ && !awaits_room()) return ResumeInput(output);
  if (std::exchange(timer_is_due_, false)) return ShowTime(output);
  ShowMail(output);
}

// Mail goes before the input every other time. Always first, a busy room would keep a member's own commands waiting for
// good; never first, a member that sends without end would hear nothing, and its mailbox would overflow.
void Conversation::ResumeInput(Output& output) {
  session_->OnResume(output);  // First: what it has to say may be that the peer hears others from now on.
  if (!output.wants_more()) return;
  mail_first_ = !mail_first_;
  if (mail_first_ && ShowMail(output) && !output.wants_more()) return;
  paused_ = false;
  if (held_ != nullptr) Show(held_->rest(), output);
  // Show() may have paused again. Then input is left, and the end comes behind it.
  if (peer_end_ == PeerEnd::kHasCome && !paused_ && !output.closing()) ShowEnd(output);
  CloseIfLast(output);
}

// `bytes` is all that the session has not consumed. What it leaves is kept: that costs a copy, but sessions leave at
// most the beginning of a request, or input that came behind a full output.
void Conversation::Show(absl::string_view bytes, Output& output) {
  has_unsent_ = true;
  entry_.Show(ConnectionTable::Activity::kWorks);
  Input input(bytes, more_may_follow_);
  session_->OnInput(input, output);
  // It may have come into being during the call: http becomes a WebSocket, whose session has one.
  if (mailbox_ == nullptr) mailbox_ = session_->mailbox();
  if (awaits_client_) NoteClient();
  paused_ = !output.wants_more() || awaits_room();
  if (!input.empty() || held_ != nullptr) KeepRest(input.bytes());
  CloseIfLast(output);
}

// Of the bytes that came with its address, the client may have asked for the table: that still has the balancer alone.
void Conversation::NoteClient() {
  if (session_->awaits_client()) return;
  awaits_client_ = false;
  if (const AddressPort* const client = session_->client(); client != nullptr) {
    entry_.ShowClient(*client);
  }
}

void Conversation::ShowEnd(Output& output) {
  peer_end_ = PeerEnd::kIsShown;
  has_unsent_ = true;
  session_->OnEndOfInput(output);
}

void Conversation::ShowTime(Output& output) {
  session_->OnTime(output);
  paused_ = paused_ || !output.wants_more();
  CloseIfLast(output);
}

// As much as the output takes, so that what is due to the peer leaves in one piece.
bool Conversation::ShowMail(Output& output) {
  bool has_shown = false;
  while (has_mail() && output.wants_more()) {
    const Message message = mailbox_->Next();
    if (message == nullptr) break;  // Cut off meanwhile.
    session_->OnMessage(message, output);
    has_shown = true;
  }
  return has_shown;
}

// Closes behind the answer to what has come since the stop. A session with a mailbox is left out: its output is mostly
// what other members say, so there is no answer to wait for, and is_leaving() ends it. A request that has come only in
// part (idle() is false) is finished first.
void Conversation::CloseIfLast(Output& output) {
  if (!is_asked_again_ || more_may_follow_ || mailbox_ != nullptr || output.closing() || !idle()) return;
  if (session_->is_opening()) return;
  session_->OnClosing(output);
  output.Close();
  paused_ = true;  // As if the session had closed: a driver may have more input to pass before its next step.
}

void Conversation::Hold(absl::string_view bytes) {
  if (held_ == nullptr) held_ = std::make_unique<HeldInput>();
  held_->bytes.append(bytes.data(), bytes.size());
}

// `rest` is the end of what is held, if anything is. So of that only the beginning moves; nothing may be assigned from
// `rest` to the string that it points into.
void Conversation::KeepRest(absl::string_view rest) {
  if (rest.empty()) {
    held_ = nullptr;  // Idle sessions hold no buffer.
  } else if (held_ == nullptr) {
    Hold(rest);
  } else {
    held_->begin = held_->bytes.size() - rest.size();
    if (held_->begin > held_->bytes.size() / 2) {  // Half at least, so that moving stays linear.
      held_->bytes.erase(0, held_->begin);
      held_->begin = 0;
    }
  }
}

bool Conversation::StartTiming(const RequestTimes& times, const TimedRequest::Arrival& arrival) {
  if (timed_ != nullptr || !takes_input()) return false;
  timed_.reset(new TimedRequest(times, service_, arrival));
  return true;
}

// The task may outlive the conversation, and so holds the request.
Output::Task Conversation::TakeTask(Output& output) {
  if (timed_ == nullptr) return output.TakeWork();
  timed_->Wait(RequestPart::kQueue);
  return [timed = timed_, task = output.TakeWork()](Output& result) mutable {
    timed->Run(RequestPart::kRun, RequestPart::kOffCpu);
    task(result);
    timed->Wait(RequestPart::kQueue);
  };
}

// A request ends when all of its answer is sent. If there is none by then, or the session has counted no request, what
// came was a part of one, or a handshake: it is timed no longer, since its arrival is that of the part.
void Conversation::TimeStep(Step before, const Output& output) {
  NoteAnswer(output);
  switch (step_) {
    case Step::kSend:
      return timed_->Run(RequestPart::kSend, RequestPart::kOffCpu);
    case Step::kAwaitAck:
    case Step::kAsk:
      return timed_->Run(RequestPart::kRun, RequestPart::kWait);
    case Step::kRunTask:
      return timed_->Run(RequestPart::kRun, RequestPart::kOffCpu);
    case Step::kResume:
    case Step::kSetTimer:
      if (before != Step::kSend || !timed_->is_answered) return timed_->Run(RequestPart::kRun, RequestPart::kOffCpu);
      break;
    default:
      break;
  }
  if (before == Step::kSend && timed_->is_answered && output.empty()) timed_->Finish();
  timed_ = nullptr;
}

// By default the peer owes an acknowledgement: at all the other steps something is unsent, or is about to be.
Debt Conversation::debt() const {
  switch (step_) {
    case Step::kRead:
    case Step::kReadLast:
      return !paused_ && session_->awaits_rest_of_request() ? Debt::kRestOfRequest : Debt::kNothing;
    case Step::kLinger:  // Bounded by itself.
    case Step::kEnd:
      return Debt::kNothing;
    default:
      return Debt::kAcknowledgement;
  }
}

}  // namespace polyserve
