#include "tests/simulation/other_server.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/ip_address.h"
#include "tests/simulation/random.h"

namespace polyserve::simulation {

namespace {

constexpr char kLine[] = "what is new?";
constexpr char kReply[] = "nothing much";
constexpr size_t kMaxReplyBytes = 20;
// By which a reply may be late: the few calls of a turn, beside the delays that the kernel has dealt out. poll(2)
// counts in milliseconds, timers in ticks of one, and a `nonblock` that has found nothing looks again after 10 of them.
constexpr Time kSlack = 30 * kMillisecond;
// By which the patience may begin before connect(2): a call, and looks at the clock.
constexpr Time kBeginSlack = kMillisecond;

}  // namespace

OtherServer::OtherServer(Kernel& kernel, int number, std::function<void()> on_dialed)
    : kernel_(kernel),
      number_(number),
      on_dialed_(std::move(on_dialed)),
      port_(kernel.AddServer(*this)),
      refused_before_(kernel.refused_sockets()) {
  Random& random = kernel.random();
  manner_ =
      random.OneOf({Manner::kAnswers, Manner::kAnswers, Manner::kAnswers, Manner::kAnswersTooMuch, Manner::kIsSilent,
                    Manner::kEnds, Manner::kResets, Manner::kRefuses, Manner::kHasNoPort, Manner::kIsAway});
  // Short, so that the session's own times, such as that of a timer, remain what the client expects.
  patience_ = random.OneOf<Time>({20 * kMillisecond, 100 * kMillisecond, 300 * kMillisecond});
  connect_time_ = random.OneOf<Time>({0, 30 * kMicrosecond, 15 * kMillisecond});
  pause_ = random.OneOf<Time>({20 * kMicrosecond, 4 * kMillisecond, 60 * kMillisecond});
  const char* const line_end = random.OneOf({"\n", "\r\n"});
  // What follows the line is of no interest.
  answer_ = absl::StrCat(kReply, line_end, random.OneIn(5) ? "and more\n" : "");
  if (manner_ == Manner::kAnswersTooMuch) answer_ = std::string(kMaxReplyBytes + 1 + random.Below(30), 'x') + "\n";
  if (manner_ == Manner::kEnds || manner_ == Manner::kResets) answer_.resize(random.Below(sizeof(kReply)));
}

void OtherServer::Fail(const std::string& what) const {
  kernel_.Fail(absl::StrCat("the server that client ", number_, " has asked: ", what));
}

Output::Question OtherServer::question() const {
  return {.to = {*IpAddress::Parse("127.0.0.1"), static_cast<uint16_t>(port_)},
          .line = kLine,
          .max_reply_bytes = kMaxReplyBytes,
          .patience = absl::Nanoseconds(patience_)};
}

int OtherServer::OnConnect(std::shared_ptr<Stream> stream) {
  if (stream_ != nullptr) Fail("it is connected to twice");
  on_dialed_();
  stream_ = std::move(stream);
  dialed_ = kernel_.now();
  dialed_delayed_ = kernel_.delayed();
  const int error = manner_ == Manner::kRefuses ? ECONNREFUSED : manner_ == Manner::kHasNoPort ? EADDRNOTAVAIL : 0;
  if (manner_ == Manner::kIsAway) return EINPROGRESS;
  if (connect_time_ == 0 || manner_ == Manner::kHasNoPort) {
    if (error != 0) NoteOutcome();
    return error;
  }
  kernel_.After(connect_time_, [this, error] { FinishConnecting(error); });
  return EINPROGRESS;
}

void OtherServer::FinishConnecting(int error) {
  if (error != 0) NoteOutcome();
  kernel_.FinishConnecting(*stream_, error);
}

// A question of a few bytes is sent in one piece, or the server's system has no room for it.
void OtherServer::OnOutput() {
  if (stream_->unacknowledged_bytes() == 0) return;
  asked_ += stream_->TakeUnacknowledged(SIZE_MAX);
  const std::string question = absl::StrCat(kLine, "\n");
  if (question.compare(0, asked_.size(), asked_) != 0) Fail("it was asked something else");
  if (asked_ == question && manner_ != Manner::kIsSilent) SendLater();
}

void OtherServer::SendLater() {
  kernel_.After(kernel_.random().Between(0, pause_), [this] { SendSome(); });
}

void OtherServer::SendSome() {
  if (stream_->is_closed) return;
  if (sent_ == answer_.size()) return EndSending();
  const size_t count = 1 + kernel_.random().Below(answer_.size() - sent_);
  kernel_.NoteEvent();
  kernel_.trace().Add(kernel_.now(), "(other sends)", number_, static_cast<int64_t>(count), 0);
  stream_->arrived.append(answer_, sent_, count);
  sent_ += count;
  const size_t line_end = answer_.find('\n');  // None if it ends within its answer.
  const size_t decides = manner_ == Manner::kAnswersTooMuch ? kMaxReplyBytes + 1 : line_end + 1;
  if (line_end != std::string::npos && sent_ >= decides) NoteOutcome();
  kernel_.Notify(*stream_, POLLIN);
  SendLater();
}

// It may also end behind its answer, or leave that to the other side.
void OtherServer::EndSending() {
  if (manner_ == Manner::kResets) {
    NoteOutcome();
    stream_->is_reset = true;
    stream_->has_error = true;
    kernel_.Notify(*stream_, POLLIN | POLLRDHUP | POLLOUT | POLLERR | POLLHUP);
  } else if (manner_ == Manner::kEnds || kernel_.random().OneIn(2)) {
    NoteOutcome();
    stream_->end_has_arrived = true;
    kernel_.Notify(*stream_, POLLIN | POLLRDHUP);
  }
  kernel_.NoteEvent();
}

void OtherServer::NoteOutcome() {
  if (outcome_ != kNever) return;
  outcome_ = kernel_.now();
  outcome_delayed_ = kernel_.delayed();
}

bool OtherServer::IsRight(const absl::StatusOr<std::string>& reply) const {
  switch (reply.status().code()) {
    case absl::StatusCode::kOk:
      return manner_ == Manner::kAnswers && *reply == kReply;
    case absl::StatusCode::kDeadlineExceeded:
      return dialed_ != kNever;
    case absl::StatusCode::kResourceExhausted:
      return dialed_ == kNever ? kernel_.refused_sockets() > refused_before_ : manner_ == Manner::kHasNoPort;
    case absl::StatusCode::kInvalidArgument:
      return manner_ == Manner::kAnswersTooMuch;
    default:
      return manner_ == Manner::kEnds || manner_ == Manner::kResets || manner_ == Manner::kRefuses;
  }
}

void OtherServer::CheckReply(const absl::StatusOr<std::string>& reply) const {
  const Time now = kernel_.now();
  kernel_.trace().Add(now, "  (reply)", number_, static_cast<int64_t>(reply.status().code()), 0);
  if (!IsRight(reply)) Fail(absl::StrCat("the session is told what is not true: ", reply.status().ToString()));
  if (dialed_ == kNever) return;
  const Time patience_end = dialed_ + patience_;
  if (absl::IsDeadlineExceeded(reply.status())) {
    if (now < patience_end - kBeginSlack) Fail("the session is told early that the time is over");
    // The last look at the socket, and the one at the clock.
    if (outcome_ < now - kMillisecond) Fail("the session is told that the time is over, and there was an answer");
  } else if (outcome_ > now) {
    Fail("the session is told what has not happened yet");
  }
  const bool is_late = now > patience_end + kSlack + 2 * (kernel_.delayed() - dialed_delayed_) ||
                       (outcome_ < now && now > outcome_ + kSlack + 2 * (kernel_.delayed() - outcome_delayed_));
  if (is_late) Fail("the session is told too late");
}

}  // namespace polyserve::simulation
