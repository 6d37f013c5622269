#include "protocol/chat/session.h"

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "access/auth_file.h"
#include "protocol/chat/speak.h"
#include "protocol/other_protocol.h"

namespace polyserve {

namespace {

// Shorter messages are copied, so that many that are due at once become one piece of memory and one segment. Above
// this, sharing the text with all other members costs less than a copy for each.
constexpr size_t kMinSharedBytes = 512;

constexpr absl::string_view kRoomIsLost = "ERR 503 the room was lost, and is made anew: join again\n";

// The task of a pause that only delays; OnResume() does the work.
void DoNothing(Output&) {}

void Refuse(int code, absl::string_view why, Output& output) {
  output.CountError();
  output.Write(absl::StrCat("ERR ", code, " ", why, "\n"));
}

// The codes that the header lists, from the room's own errors.
void Refuse(const absl::Status& why, Output& output) {
  const int code = absl::IsPermissionDenied(why) || absl::IsFailedPrecondition(why) ? 403
                   : absl::IsAlreadyExists(why)                                     ? 409
                   : absl::IsUnavailable(why)                                       ? 503
                                                                                    : 400;
  Refuse(code, why.message(), output);
}

// The next lines may be the body of a request that a web page has made its visitor's browser send.
void RefuseOtherProtocol(Output& output) {
  Refuse(400, kOtherProtocolReason, output);
  output.Close();
}

}  // namespace

void ChatSession::OnInput(Input& input, Output& output) {
  member_->Cork();
  TakeLines(input, output);
  member_->Uncork();
  AwaitSaid(output);
}

void ChatSession::OnOverload(Output& output) {
  output.CountRequest();
  Refuse(503, kOverloadReason, output);
}

// The rate is asked for before each command, not for each read: a peer may send a thousand commands in one packet. What
// is not executed stays in the input, at most one read, and then in the peer's send buffer.
void ChatSession::TakeLines(Input& input, Output& output) {
  while (!input.empty() && output.wants_more()) {
    // The driver reads nothing during a pause, so TCP slows down a peer that speaks too fast, and nothing is lost.
    if (!member_->may_command()) return output.Pause(kOverRatePause, &DoNothing);
    if (is_skipping_) {
      is_skipping_ = !lines_.Skip(input);
      continue;
    }
    const Input from_line_on = input;
    const std::optional<absl::string_view> line = lines_.Next(input);
    if (line.has_value() && absl::StartsWith(*line, "A ")) {
      if (LogIn(line->substr(2), output)) continue;
      input = from_line_on;
      return;
    }
    if (line.has_value()) {
      OnLine(*line, output);
    } else if (lines_.too_long() && member_->name().empty() &&
               MayBeOfOtherProtocol(input.bytes().substr(0, kMaxLineBytes))) {
      RefuseOtherProtocol(output);
    } else if (lines_.too_long()) {
      member_->CountCommand();  // Of the beginning; the rest of the line is discarded unseen.
      Refuse(413, absl::StrCat("a line has at most ", kMaxLineBytes, " bytes"), output);
      is_skipping_ = true;
    } else {
      return;
    }
  }
}

// The message that a busy room has not taken yet may be the peer's last one: then no further command would bring it up.
void ChatSession::AwaitSaid(Output& output) {
  if (output.wants_more() && !member_->has_said_all()) output.Pause(kOverRatePause, &DoNothing);
}

// A peer that closes its side has left, even if it could still be sent messages: it does not say whether it reads them.
// A driver may keep the connection for a while to deliver what is left, and the others should not see a member that
// hears nothing.
void ChatSession::OnEndOfInput(Output& output) {
  member_->Leave();
  output.Close();
}

// Called only until the peer leaves; a message that is in the output by then is still sent.
void ChatSession::OnMessage(const Message& message, Output& output) {
  if (message->size() < kMinSharedBytes) return output.Write(*message);
  output.WriteShared(message);
}

// Counted when it is answered: while the password is verified, the same line comes several times.
bool ChatSession::LogIn(absl::string_view user_and_password, Output& output) {
  const LoginAnswer answer = TryLoginCommand(login_.get(), user_and_password, output);
  if (answer.result == Login::Result::kPending) return false;
  output.CountRequest();
  member_->CountCommand();
  if (answer.result == Login::Result::kRight) {
    known_ = login_->TakePermissions();
    output.Write("OK\n");
  } else {
    Refuse(answer.code, answer.why, output);
  }
  return true;
}

// It may have changed since the login.
Permissions ChatSession::CurrentPermissions() const {
  return known_.has_value() ? access_->Renew(*known_) : access_->Everyone();
}

bool ChatSession::MayJoin(Output& output) const {
  if (access_ == nullptr) return true;
  const Permissions permissions = CurrentPermissions();
  if (permissions.Allow(Right::kChat)) return true;
  if (permissions.user().empty()) {
    Refuse(401, "log in first: A <user> <password>", output);
  } else {
    Refuse(403, "the user has not the right to chat", output);
  }
  return false;
}

void ChatSession::OnLine(absl::string_view line, Output& output) {
  output.CountRequest();
  // Counted before it is judged: otherwise commands that are refused would be free of the limit.
  member_->CountCommand();
  // Only a peer without a name is examined: no HTTP request can have joined, and a member may mention HTTP in its
  // texts.
  if (member_->name().empty() && IsOfOtherProtocol(line)) return RefuseOtherProtocol(output);
  if (absl::ConsumePrefix(&line, "L ")) return Join(line, output);
  if (absl::ConsumePrefix(&line, "C ")) return Say(line, output);
  if (absl::ConsumePrefix(&line, "E ")) return Leave(line, output);
  Refuse(400, "expected: L <name>, C <name> <text>, or E <name>", output);
}

// The name stays the peer's until it leaves, so a second L is an error even with the same name: over TCP no command is
// ever duplicated.
void ChatSession::Join(absl::string_view name, Output& output) {
  if (!member_->name().empty()) return Refuse(409, absl::StrCat("you are '", member_->name(), "' already"), output);
  if (!MayJoin(output)) return;
  const absl::Status status = member_->Join(name);
  // The room's next answer is the one to this.
  is_leaving_ = false;
  if (status.ok() && member_->awaits_answer()) return output.Pause(kAnswerPollInterval, &DoNothing);
  OnAnswer(status, output);
}

// Also called when a pause for the rate is over; then no answer is awaited, and OnInput() follows. A room that is lost
// cannot be joined any more by this member, so the peer has to connect again.
void ChatSession::OnResume(Output& output) {
  if (!member_->awaits_answer()) return AwaitSaid(output);
  const std::optional<absl::Status> answer = member_->PollAnswer();
  if (!answer.has_value()) return output.Pause(kAnswerPollInterval, &DoNothing);
  OnAnswer(*answer, output);
  if (absl::IsUnavailable(*answer) && !output.closing()) output.Close();
}

void ChatSession::OnAnswer(const absl::Status& answer, Output& output) const {
  if (is_leaving_) {  // Leaving cannot fail: if the room is lost, the member has left as well.
    output.Write("EXIT\n");
    return output.Close();
  }
  if (!answer.ok()) return Refuse(answer, output);
  output.Write("OK\n");
}

absl::string_view ChatSession::closing_message() const {
  if (member_->eviction().empty()) return member_->has_lost_room() ? kRoomIsLost : "";
  farewell_ = absl::StrCat("ERR 410 ", member_->eviction(), "\n");
  return farewell_;
}

// Not answered if it succeeds, as the course has it; the other members are the answer. An empty text is refused by
// CheckText(), so "C ada" without one gets its 400 there. Without a file of users nobody but the operator may moderate:
// everyone would have the right.
void ChatSession::Say(absl::string_view name_and_text, Output& output) {
  const size_t space = name_and_text.find(' ');
  if (!IsOwnName(name_and_text.substr(0, space), output)) return;
  const absl::string_view text = space == absl::string_view::npos ? "" : name_and_text.substr(space + 1);
  const auto may_moderate = [this] { return access_ != nullptr && CurrentPermissions().Allow(Right::kAdmin); };
  if (absl::Status status = Speak(text, may_moderate, *member_); !status.ok()) Refuse(status, output);
}

void ChatSession::Leave(absl::string_view name, Output& output) {
  if (!IsOwnName(name, output)) return;
  member_->Leave();
  is_leaving_ = true;
  if (member_->awaits_answer()) return output.Pause(kAnswerPollInterval, &DoNothing);
  OnAnswer(absl::OkStatus(), output);
}

// The dialect has the name in every command. Over TCP it can only be the member's own; any other is refused here.
bool ChatSession::IsOwnName(absl::string_view name, Output& output) const {
  const std::string& own = member_->name();
  if (own.empty()) Refuse(403, "join first: L <name>", output);
  if (!own.empty() && name != own) Refuse(403, absl::StrCat("the name is not yours: you are '", own, "'"), output);
  return !own.empty() && name == own;
}

}  // namespace polyserve
