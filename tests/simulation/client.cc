#include "tests/simulation/client.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "backends/connection/lingering_close.h"

namespace polyserve::simulation {

namespace {

// By which a time-out may be late, beside the delays that the kernel has dealt out; see progress_judge.cc.
constexpr Time kSlack = kSecond / 2;
constexpr Time kTimerSlack = 3 * kSecond;
constexpr Time kSlowestRetry = 500 * kMillisecond;
constexpr uint32_t kInput = POLLIN | POLLRDHUP;

}  // namespace

Client::Client(Kernel& kernel, int number, const Manner& manner, std::function<void()> on_done)
    : kernel_(kernel), number_(number), manner_(manner), on_done_(std::move(on_done)) {
  Random& random = kernel.random();
  // One after the other: the order of arguments differs between compilers.
  const auto receive_buffer = random.OneOf<size_t>({700, 5'000, 100'000});
  const auto send_buffer = random.OneOf<size_t>({300, 4'000, 60'000, 400'000});
  stream_ = std::make_shared<Stream>(number, receive_buffer, send_buffer, kernel.limits());
  stream_->peer = this;
}

void Client::Fail(absl::string_view what) const { kernel_.Fail(absl::StrCat("client ", number_, ": ", what)); }

void Client::Finish() {
  if (!std::exchange(is_done_, true)) on_done_();
}

void Client::Start() {
  kernel_.After(manner_.connects_after, [this] { Connect(); });
}

void Client::Connect() {
  if (!kernel_.Connect(stream_)) return Finish();
  kernel_.NoteEvent();
  SendLater();
}

// --- The peer sends. ---

void Client::SendLater() {
  kernel_.After(kernel_.random().Between(0, manner_.send_pause), [this] { SendSome(); });
}

// Once.
bool Client::Stalls(int64_t moved, int64_t at, Time& stall) { return at >= 0 && moved >= at && stall > 0; }

void Client::SendSome() {
  if (is_done_ || has_ended_) return;
  CheckLate();
  if (sent_ == manner_.script.size()) {
    if (manner_.end == Manner::End::kStay) {
      if (has_seen_end_) Finish();
      return;
    }
    kernel_.After(manner_.ends_after, [this] { EndSending(); });
    return;
  }
  if (Stalls(static_cast<int64_t>(sent_), manner_.send_stall_at, manner_.send_stall)) {
    const Time stall = std::exchange(manner_.send_stall, 0);
    if (stall != kNever) kernel_.After(stall, [this] { SendSome(); });
    return;
  }
  if (stream_->is_closed) return Reset();  // The server's system answers with a reset.
  size_t count = 1 + kernel_.random().Below(manner_.send_most);
  count = std::min({count, manner_.script.size() - sent_, stream_->receive_buffer - stream_->arrived_bytes()});
  if (manner_.send_stall_at > static_cast<int64_t>(sent_)) {
    count = std::min(count, static_cast<size_t>(manner_.send_stall_at) - sent_);
  }
  if (count == 0) {  // The window is closed.
    kernel_.After(send_retry_, [this] { SendSome(); });
    send_retry_ = std::min(2 * send_retry_, kSlowestRetry);
    return;
  }
  send_retry_ = kMillisecond;
  kernel_.NoteEvent();
  kernel_.trace().Add(kernel_.now(), "(peer sends)", number_, static_cast<int64_t>(count), 0);
  stream_->arrived.append(manner_.script, sent_, count);
  stream_->arrived_total += static_cast<int64_t>(count);
  sent_ += count;
  stream_->judge.OnArrival(kernel_.now(), kernel_.delayed(), static_cast<int64_t>(count));
  kernel_.Notify(*stream_, POLLIN);
  SendLater();
}

void Client::EndSending() {
  if (is_done_ || has_ended_) return;
  CheckLate();
  kernel_.NoteEvent();
  has_ended_ = true;
  if (manner_.end == Manner::End::kReset) return Reset();
  has_left_ = manner_.end == Manner::End::kLeave;
  // What a program has not read when it closes is answered with a reset, as is what comes later.
  if (has_left_ && stream_->unacknowledged_bytes() > 0) return Reset();
  kernel_.trace().Add(kernel_.now(), "(peer ends)", number_, 0, 0);
  stream_->end_has_arrived = true;
  kernel_.Notify(*stream_, kInput | (stream_->is_shut_down ? POLLHUP : 0));
  if (has_seen_end_) Finish();
}

// By the peer, or by either's system.
void Client::Reset() {
  if (stream_->is_reset) return Finish();
  kernel_.trace().Add(kernel_.now(), "(reset)", number_, 0, 0);
  if (stream_->is_closed && manner_.keeps_rules && !kernel_.stopping()) Fail("its bytes were answered with a reset");
  has_ended_ = true;
  stream_->is_reset = true;
  stream_->has_error = !stream_->is_closed;
  stream_->TakeUnacknowledged(SIZE_MAX);
  kernel_.Notify(*stream_, kInput | POLLOUT | POLLERR | POLLHUP);
  Finish();
}

// --- The peer reads. ---

// Last words do not count: they come when the time is over.
void Client::OnOutput() {
  const int64_t written = std::exchange(known_written_, stream_->written_total);
  const int64_t left = static_cast<int64_t>(written_.size()) - known_written_;
  const bool was_blocked = std::exchange(is_blocked_, left > 0);
  if (written != known_written_ && left >= 0) {
    if (was_blocked && left > 0) {
      stream_->judge.OnSendOn(kernel_.now(), kernel_.delayed());
    } else {
      stream_->judge.OnMove(kernel_.now(), kernel_.delayed());
    }
  }
  UpdateDebts();
  ReadLater();
}

void Client::ReadLater() {
  if (is_done_ || reads_later_ || stops_reading_) return;
  if (stream_->unacknowledged_bytes() == 0 && !stream_->is_shut_down) return;
  reads_later_ = true;
  kernel_.After(kernel_.random().Between(0, manner_.read_pause), [this] {
    reads_later_ = false;
    ReadSome();
  });
}

void Client::ReadSome() {
  if (is_done_) return;
  CheckLate();
  if (stream_->unacknowledged_bytes() == 0) {
    if (stream_->is_shut_down && !has_seen_end_) OnServerEnd();
    return;
  }
  if (has_left_) return Reset();
  if (Stalls(static_cast<int64_t>(received_), manner_.read_stall_at, manner_.read_stall)) {
    const Time stall = std::exchange(manner_.read_stall, 0);
    stops_reading_ = true;
    never_reads_on_ = stall == kNever;
    if (never_reads_on_ && stream_->is_closed) Finish();
    if (never_reads_on_) return;
    kernel_.After(stall, [this] {
      stops_reading_ = false;
      ReadLater();
    });
    return;
  }
  kernel_.NoteEvent();
  const std::string bytes = stream_->TakeUnacknowledged(1 + kernel_.random().Below(manner_.read_most));
  const auto count = static_cast<int64_t>(bytes.size());
  CheckBytes(bytes);
  received_ += bytes.size();
  kernel_.trace().Add(kernel_.now(), "(peer reads)", number_, count, 0);
  stream_->acknowledged_total += count;
  stream_->judge.OnAcknowledgement(kernel_.now(), kernel_.delayed(), count);
  UpdateDebts();
  if (stream_->was_full && stream_->is_writable()) {
    stream_->was_full = false;
    kernel_.Notify(*stream_, POLLOUT);
  }
  ReadLater();
}

void Client::CheckBytes(absl::string_view bytes) const {
  const size_t known = received_ < written_.size() ? std::min(bytes.size(), written_.size() - received_) : 0;
  const absl::string_view last = bytes.substr(known);
  const size_t of_closing = received_ + known - written_.size();
  const bool is_right =
      absl::string_view(written_).substr(std::min(received_, written_.size()), known) == bytes.substr(0, known) &&
      (last.empty() || absl::string_view(kClosingMessage).substr(of_closing, last.size()) == last);
  if (!is_right) Fail("the peer has got what the session has not written");
}

// The end of what the server sends, without a reset: so this must be all.
void Client::OnServerEnd() {
  kernel_.NoteEvent();
  has_seen_end_ = true;
  kernel_.trace().Add(kernel_.now(), "(peer: the end)", number_, static_cast<int64_t>(received_), 0);
  if (received_ < written_.size()) Fail("the peer was told of the end before it had got all");
  if (manner_.keeps_rules && !kernel_.stopping() && consumed_ != manner_.script.size()) {
    Fail("a peer that keeps to the rules was not answered to the end");
  }
  if (manner_.talks_on && sent_ < manner_.script.size()) return;  // SendSome() goes on.
  if (has_ended_ || !manner_.answers_end || stream_->is_closed) return Finish();
  manner_.end = Manner::End::kLeave;
  kernel_.After(kernel_.random().Between(0, 3 * kMillisecond), [this] {
    EndSending();
    Finish();  // Unless that has done it.
  });
}

void Client::OnReset() {
  has_seen_reset_ = true;
  kernel_.trace().Add(kernel_.now(), "(server resets)", number_, 0, 0);
  if (manner_.keeps_rules && !kernel_.stopping()) Fail("a peer that keeps to the rules was reset");
  Finish();
}

// --- The session. ---

void Client::OnSession() {
  if (has_session_) Fail("the connection has got a second session");
  has_session_ = true;
  has_session_now_ = true;
}

void Client::OnShown(absl::string_view bytes) {
  kernel_.trace().Add(kernel_.now(), "  OnInput", number_, static_cast<int64_t>(bytes.size()), 0);
  if (bytes.empty()) Fail("the session was shown nothing");
  if (has_shown_end_) Fail("the session was shown input behind its end");
  if (absl::string_view(manner_.script).substr(0, sent_).substr(consumed_, bytes.size()) != bytes) {
    Fail("the session was shown what the peer has not sent");
  }
}

void Client::OnShownEnd() {
  kernel_.trace().Add(kernel_.now(), "  OnEndOfInput", number_, 0, 0);
  if (has_shown_end_) Fail("the session was shown the end twice");
  if (!stream_->end_has_arrived) Fail("the session was shown an end that the peer has not sent");
  has_shown_end_ = true;
  if (absl::string_view(manner_.script).substr(consumed_).find('\n') != absl::string_view::npos) {
    Fail("the session was shown the end before all that came before it");
  }
}

void Client::SetRestOfLine(bool is_owed) {
  owes_rest_of_line_ = is_owed;
  UpdateDebts();
}

void Client::Write(Output& output, absl::string_view bytes) {
  output.Write(bytes);
  NoteWritten(bytes);
}

void Client::NoteWritten(absl::string_view bytes) {
  if (is_closed_by_session_) Fail("the session was asked for more behind its end");
  written_.append(bytes.data(), bytes.size());
  UpdateDebts();
}

// All that was written before is sent by then.
void Client::Ask(Output& output) {
  others_.push_back(std::make_unique<OtherServer>(kernel_, number_, [this] {
    if (static_cast<int64_t>(written_.size()) > stream_->written_total)
      Fail("another server is asked before all is sent");
  }));
  output.Ask(others_.back()->question(),
             [this, &other = *others_.back()](const absl::StatusOr<std::string>& reply, Output& result) {
               other.CheckReply(reply);
               Write(result, reply.ok() ? "answered\n" : "no answer\n");
             });
}

void Client::SetTimer(Output& output, Time after) {
  output.SetTimer(after == kNever ? absl::InfiniteDuration() : absl::Nanoseconds(after));
  timer_ = after == kNever ? kNever : kernel_.now() + after;
  timer_after_ = after;
  timer_delayed_ = kernel_.delayed();
}

void Client::OnTimer() {
  kernel_.trace().Add(kernel_.now(), "  OnTime", number_, 0, 0);
  if (timer_ == kNever) Fail("the session's timer has rung, and was not set");
  if (kernel_.now() < timer_) Fail("the session's timer has rung early");
  timer_ = kNever;
  if (has_shown_end_) Fail("the session's timer has rung behind the end");
}

void Client::UpdateDebts() {
  if (std::exchange(was_answering_, is_answering()) && !was_answering_) answered_at_ = kernel_.now();
  stream_->judge.SetDebts(kernel_.now(), kernel_.delayed(), owes_rest_of_line_ && !is_answering(), is_answering(),
                          stream_->unacknowledged_bytes() > 0);
}

// --- Checks. ---

void Client::CheckLate() const {
  if (stream_->is_closed || stream_->is_reset || stream_->fd < 0 || stream_->end_has_arrived) return;
  if (stream_->shut_down_at != kNever) return CheckLinger();
  if (const char* late = stream_->judge.FindLate(kernel_.now(), kernel_.delayed()); late != nullptr) Fail(late);
  // The timer begins when all is sent, and the session learns of it when all is sent; pauses come in between.
  const Time due = timer_ == kNever ? kNever : std::max(timer_, answered_at_ + timer_after_);
  const Time slack = kTimerSlack + 2 * (kernel_.delayed() - timer_delayed_);
  if (manner_.keeps_rules && !is_answering() && due != kNever && kernel_.now() > due + slack) {
    Fail("the session's timer has not rung in time");
  }
}

void Client::CheckLinger() const {
  const Time limit = absl::ToInt64Nanoseconds(kLingeringCloseTimeout);
  if (kernel_.now() - stream_->shut_down_at > limit + kSlack + 2 * kernel_.delayed()) {
    Fail("the server lingers for too long");
  }
  const bool may_end = !stream_->is_closed || stream_->end_was_read || stream_->is_reset ||
                       (kernel_.stopping() && kernel_.now() >= kernel_.grace_end());
  if (!may_end && kernel_.now() - stream_->shut_down_at < limit) Fail("the server has not lingered for long enough");
}

// A peer that never reads on does not learn of it.
void Client::OnClose() {
  CheckClose();
  if (never_reads_on_) Finish();
}

void Client::CheckClose() const {
  const bool unsent = static_cast<int64_t>(written_.size()) > stream_->written_total;
  if (stream_->is_reset) return;
  if (unsent && !stream_->resets_on_close) Fail("what the session has written is cut off without a reset");
  if (stream_->shut_down_at != kNever) return CheckLinger();
  if (stream_->end_was_read || kernel_.stopping()) return;
  if (const char* late = stream_->judge.FindLate(kernel_.now(), kernel_.delayed()); late != nullptr) Fail(late);
  if (const char* early = stream_->judge.FindEarly(kernel_.now()); early != nullptr) Fail(early);
}

void Client::CheckEnd() const {
  if (has_session_now_) Fail("its session was left behind");
  if (has_session_ && !stream_->is_closed) Fail("its connection was not closed");
  // One that is so slow that it still reads what was sent before the end has not come to it.
  const bool has_read_all = stream_->unacknowledged_bytes() == 0 && !stops_reading_ && !has_left_;
  if (has_session_ && has_read_all && !has_seen_end_ && !stream_->is_reset) {
    Fail("the peer has not been told of the end");
  }
}

}  // namespace polyserve::simulation
