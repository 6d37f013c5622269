#include "protocol/chat/udp_session.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "access/auth_file.h"
#include "protocol/chat/speak.h"

namespace polyserve {

namespace {

constexpr absl::string_view kSpeak = "\nsay something to hear more";

// As much of the text as a datagram holds, without half a character at its end. Bytes 10xxxxxx continue a character
// (RFC 3629, section 3).
absl::string_view CutToFit(absl::string_view utf8) {
  if (utf8.size() <= ChatDatagramSession::kMaxDatagramBytes) return utf8;
  size_t end = ChatDatagramSession::kMaxDatagramBytes;
  while (end > 0 && (static_cast<uint8_t>(utf8[end]) & 0xC0) == 0x80) --end;
  return utf8.substr(0, end);
}

// A message of the room, as this dialect has it: without its line end, and without the code of an answer to a command,
// "ERR 404 ". No saying begins like that: names have no blanks.
absl::string_view WithoutCode(absl::string_view message) {
  constexpr size_t kCodeBytes = 8;
  absl::ConsumeSuffix(&message, "\n");
  const bool has_code =
      message.size() > kCodeBytes && absl::StartsWith(message, "ERR ") && absl::ascii_isdigit(message[4]);
  return has_code ? message.substr(kCodeBytes) : message;
}

}  // namespace

// Every byte counts towards what an unverified peer may be sent, even those that are ignored. While the room has not
// answered, datagrams queue: executed at once, a C could come before the answer to the L in front of it.
void ChatDatagramSession::OnInput(Input& input, Output& output) {
  const absl::string_view datagram = input.bytes();
  input.ConsumeAll();
  received_bytes_ += static_cast<int64_t>(datagram.size());
  if (absl::StartsWith(datagram, "\n")) return;
  if (!member_->awaits_answer()) return OnDatagram(datagram, output);
  // One byte more than a datagram may have is kept, so that OnDatagram() can tell that it is too long.
  if (early_.size() < kMaxEarly) early_.emplace_back(datagram.substr(0, kMaxDatagramBytes + 1));
}

// Nothing can slow down a peer over UDP, so commands above the rate are dropped. A second command, after an answer was
// sent, counts as verification: weaker than a token, since it can be sent blindly, but the dialect has no token.
void ChatDatagramSession::OnDatagram(absl::string_view datagram, Output& output) {
  absl::ConsumeSuffix(&datagram, "\n");  // From a user who types with nc -u.
  absl::ConsumeSuffix(&datagram, "\r");
  if (!member_->may_command()) {
    // Once only: an error for each datagram would double the traffic.
    if (!std::exchange(was_told_to_wait_, true)) Send("\ntoo many messages in a second; some are not said", output);
    return;
  }
  was_told_to_wait_ = false;
  member_->CountCommand();
  absl::Status status = absl::InvalidArgumentError("expected: L <name>, C <name> <text>, or E <name>");
  if (datagram.size() > kMaxDatagramBytes) {
    status = absl::InvalidArgumentError(absl::StrCat("a message has at most ", kMaxDatagramBytes, " bytes"));
  } else if (datagram.size() >= 2 && absl::StrContains("LCE", datagram[0]) && datagram[1] == ' ') {
    is_verified_ = is_verified_ || sent_bytes_ > 0;
    status = OnCommand(datagram[0], datagram.substr(2), output);
  }
  if (!status.ok()) Send(absl::StrCat("\n", status.message()), output);
  if (!member_->awaits_answer()) AwaitSaid(output);
}

// The message that a busy room has not taken yet may be the peer's last one.
void ChatDatagramSession::AwaitSaid(Output& output) {
  if (!output.closing() && !member_->has_said_all()) output.SetTimer(kOverRatePause);
}

// Executes a command. Returns an error that is still to be sent; the answers to L and E are sent here, without a line
// end in front.
absl::Status ChatDatagramSession::OnCommand(char command, absl::string_view rest, Output& output) {
  if (command == 'C') return Say(rest);
  absl::Status status = CheckIsOwn(rest);
  if (command == 'E' && !status.ok()) return status;
  is_leaving_ = command == 'E';
  if (is_leaving_) member_->Leave();
  if (!is_leaving_ && member_->name().empty()) status = Join(rest);
  OnAnswer(status, output);
  return absl::OkStatus();
}

// Polls the room for its answer, then executes what has queued behind it, in order. The loop ends early if one of those
// is a Join() or Leave() that awaits an answer itself.
void ChatDatagramSession::OnTime(Output& output) {
  if (!member_->awaits_answer()) return AwaitSaid(output);
  const std::optional<absl::Status> answer = member_->PollAnswer();
  if (!answer.has_value()) return output.SetTimer(kAnswerPollInterval);
  OnAnswer(*answer, output);
  while (!early_.empty() && !member_->awaits_answer() && !output.closing()) {
    const std::string datagram = std::move(early_.front());
    early_.erase(early_.begin());
    OnDatagram(datagram, output);
  }
  if (absl::IsUnavailable(*answer) && !output.closing()) output.Close();  // A new session may have more luck.
}

// Handles the room's answer, or its absence: then the timer polls again soon.
void ChatDatagramSession::OnAnswer(const absl::Status& answer, Output& output) {
  // The destructor of the member tells the room that it leaves. Only if more datagrams are queued here must the session
  // wait for the room's answer.
  const bool ends = is_leaving_ && early_.empty();
  if (answer.ok() && member_->awaits_answer() && !ends) return output.SetTimer(kAnswerPollInterval);
  Send(is_leaving_ ? "EXIT" : answer.ok() ? "OK" : answer.message(), output);
  if (ends) output.Close();
}

// Keeps room for the request to speak: an unverified peer that could not be sent that any more would never learn why it
// hears nothing.
void ChatDatagramSession::OnMessage(const Message& message, Output& output) {
  // The answer to its L must come before any message.
  if (member_->awaits_answer()) OnTime(output);
  if (output.closing()) return;
  const std::string datagram = absl::StrCat("\n", WithoutCode(*message));
  const absl::string_view fitting = CutToFit(datagram);
  if (is_verified_ || MaySend(fitting.size() + kSpeak.size())) return Send(fitting, output);
  if (!std::exchange(told_to_speak_, true)) Send(kSpeak, output);
}

absl::string_view ChatDatagramSession::closing_message() const {
  if (member_->eviction().empty()) {
    return member_->has_lost_room() ? "\nthe room was lost, and is made anew: join again" : "";
  }
  farewell_ = absl::StrCat("\n", member_->eviction());
  return MaySend(farewell_.size()) ? absl::string_view(farewell_) : absl::string_view();
}

// The limit against reflection: an attacker who forges a victim's address must not get the server to send the victim
// much more than the attacker has to send.
bool ChatDatagramSession::MaySend(size_t bytes) const {
  const int64_t most = std::max(kUnverifiedBytes, kAmplification * received_bytes_);
  return is_verified_ || sent_bytes_ + static_cast<int64_t>(bytes) <= most;
}

// Beyond the limit nothing is sent, not even an error: an attacker could have errors sent to a victim as well.
void ChatDatagramSession::Send(absl::string_view datagram, Output& output) {
  if (!MaySend(datagram.size())) return;
  sent_bytes_ += static_cast<int64_t>(datagram.size());
  output.Write(datagram);
}

absl::Status ChatDatagramSession::Join(absl::string_view name) {
  if (MayEveryone(access_.get(), Right::kChat)) return member_->Join(name);
  return absl::PermissionDeniedError("the room needs a password, and this dialect has none");
}

absl::Status ChatDatagramSession::Say(absl::string_view name_and_text) {
  const size_t space = name_and_text.find(' ');
  if (absl::Status status = CheckIsOwn(name_and_text.substr(0, space)); !status.ok()) return status;
  const absl::string_view text = space == absl::string_view::npos ? "" : name_and_text.substr(space + 1);
  const auto may_moderate = [this] { return access_ != nullptr && MayEveryone(access_.get(), Right::kAdmin); };
  return Speak(text, may_moderate, *member_);
}

// Only the first name counts. An L with the same name may be a duplicated datagram, so it is answered with OK again.
absl::Status ChatDatagramSession::CheckIsOwn(absl::string_view name) const {
  const std::string& own = member_->name();
  if (own.empty()) return absl::PermissionDeniedError("join first: L <name>");
  if (name != own) return absl::PermissionDeniedError(absl::StrCat("you are '", own, "'"));
  return absl::OkStatus();
}

}  // namespace polyserve
