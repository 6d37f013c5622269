#include "protocol/websocket/session.h"

#include <sys/uio.h>

#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/utf8.h"

namespace polyserve {

namespace {

using Opcode = WebSocketFrames::Opcode;

// Section 7.4.1.
constexpr uint16_t kNormal = 1000;
constexpr uint16_t kGone = 1001;
constexpr uint16_t kNoWebSocket = 1002;
constexpr uint16_t kNoText = 1003;
constexpr uint16_t kNoUtf8 = 1007;
constexpr uint16_t kTooBig = 1009;

// A whole frame: a close with code 1001.
constexpr absl::string_view kFarewell = "\x88\x02\x03\xE9";

constexpr size_t kCodeBytes = 2;

// Whether a peer may send this code: section 7.4, and the registry that it defines. 1005, 1006 and 1015 stand in the
// reports of a browser for a close without a code, or without a frame, or a failure of TLS; no frame may hold them.
// 3000 to 4999 are for libraries and applications (section 7.4.2).
bool IsCode(uint16_t code) {
  const bool is_only_for_reports = code == 1004 || code == 1005 || code == 1006;
  return (code >= 1000 && code <= 1014 && !is_only_for_reports) || (code >= 3000 && code <= 4999);
}

// Moves the bytes of the output into a string. It has no file ranges, by the terms of Start().
std::string TakeText(Output& output) {
  std::string text;
  for (iovec piece; output.FrontMemory(&piece, 1) == 1; output.Sent(static_cast<int64_t>(piece.iov_len))) {
    text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  return text;
}

}  // namespace

std::unique_ptr<Session> WebSocketSession::Start(std::unique_ptr<Session> lines, Output& output) {
  // The timer of the request's head, if one is still set, is replaced by this one.
  output.SetTimer(kPingInterval);
  return absl::WrapUnique(new WebSocketSession(std::move(lines)));
}

// Any bytes show that the peer is there, not only a pong. Behind a close frame everything is discarded (section 1.4),
// but it must be consumed: input that is left would count as a request under way.
void WebSocketSession::OnInput(Input& input, Output& output) {
  has_heard_ = true;
  while (!input.empty() && output.wants_more()) {
    if (const std::optional<WebSocketFrames::Piece> piece = frames_.Next(input)) {
      Take(*piece, output);
    } else if (!frames_.fault().empty()) {
      Close(kNoWebSocket, frames_.fault(), output);
    }
  }
  if (ended_) input.ConsumeAll();
}

// Without a closing handshake: the connection is lost. Browsers report it to their page as code 1006.
void WebSocketSession::OnEndOfInput(Output& output) {
  if (!ended_) End(output);
}

// The line-based session writes into an output of its own, from which the frames are made; so it need not know that
// there are any.
void WebSocketSession::OnMessage(const Message& message, Output& output) {
  Output lines;
  lines_->OnMessage(message, lines);
  HandOn(lines, output);
}

// A browser answers pings by itself (section 5.5.2). TCP alone would notice a peer that has vanished only when
// something is sent to it, and then only after a quarter of an hour (tcp_retries2, tcp(7)).
void WebSocketSession::OnTime(Output& output) {
  if (!std::exchange(has_heard_, false)) return Close(kGone, "there was no answer to a ping", output);
  WebSocketFrames::Write(Opcode::kPing, "", output);
  output.SetTimer(kPingInterval);
}

// What the line-based session would say comes first, in messages of its lines.
absl::string_view WebSocketSession::closing_message() const {
  if (ended_) return "";
  const absl::string_view said = lines_->closing_message();
  if (said.empty()) return kFarewell;
  Output frames;
  for (absl::string_view line : absl::StrSplit(absl::StripSuffix(said, "\n"), '\n')) {
    WebSocketFrames::Write(Opcode::kText, line, frames);
  }
  closing_message_ = absl::StrCat(TakeText(frames), kFarewell);
  return closing_message_;
}

// Control frames may come between the frames of a message (section 5.4), so they are gathered apart from it. Both are
// bounded: 125 bytes by WebSocketFrames, kMaxMessageBytes by IsWelcome().
void WebSocketSession::Take(const WebSocketFrames::Piece& piece, Output& output) {
  if (piece.begins_frame && !IsWelcome(piece, output)) return;
  const bool is_control = WebSocketFrames::IsControl(piece.opcode);
  std::string& whole = is_control ? control_ : message_;
  absl::StrAppend(&whole, piece.bytes);
  if (!is_control) within_message_ = !piece.ends_frame || !piece.is_last_frame;
  if (!piece.ends_frame || !piece.is_last_frame) return;
  if (!is_control) return OnText(output);
  OnControl(piece.opcode, output);
  control_.clear();
}

// Judges a frame by its header; closes if it is refused. A frame of data must be a continuation if a message has begun,
// and must not be one if none has (section 5.4).
bool WebSocketSession::IsWelcome(const WebSocketFrames::Piece& piece, Output& output) {
  const bool is_first_of_message = piece.opcode != Opcode::kContinuation;
  if (WebSocketFrames::IsControl(piece.opcode)) return true;
  if (is_first_of_message == within_message_) {
    Close(kNoWebSocket, "the frame is out of order", output);
  } else if (piece.opcode == Opcode::kBinary) {
    Close(kNoText, "messages are to be text", output);
  } else if (piece.frame_bytes > kMaxMessageBytes - message_.size()) {
    // Before its payload comes. A difference, because a sum could exceed 64 bits; message_ never has more than
    // kMaxMessageBytes.
    Close(kTooBig, absl::StrCat("a message has at most ", kMaxMessageBytes, " bytes"), output);
  }
  return !ended_;
}

// UTF-8 is checked for the whole message, since a character may be split between two frames (section 8.1).
void WebSocketSession::OnText(Output& output) {
  if (!IsUtf8(message_)) return Close(kNoUtf8, "the message is not UTF-8", output);
  if (!absl::EndsWith(message_, "\n")) message_ += '\n';
  is_whole_ = true;
  ShowLines(output);
}

// Passes lines until the line-based session pauses, which becomes a pause of this session; OnResume() then continues. A
// message may hold several lines, and the last one needs no end.
void WebSocketSession::ShowLines(Output& output) {
  while (shown_ < message_.size() && !ended_ && !output.has_work()) {
    Input input(absl::string_view(message_).substr(shown_));
    Output lines;
    lines_->OnInput(input, lines);
    shown_ = message_.size() - input.bytes().size();
    HandOn(lines, output);
  }
  if (output.has_work()) return;
  message_.clear();
  shown_ = 0;
  is_whole_ = false;
}

void WebSocketSession::OnResume(Output& output) {
  if (ended_) return;
  Output lines;
  lines_->OnResume(lines);
  HandOn(lines, output);
  if (!output.has_work() && is_whole_) ShowLines(output);
}

// A pong repeats the ping's payload (section 5.5.3). A pong of the peer needs no answer: that it came was noted.
void WebSocketSession::OnControl(Opcode opcode, Output& output) {
  if (opcode == Opcode::kPing) WebSocketFrames::Write(Opcode::kPong, control_, output);
  if (opcode == Opcode::kClose) OnClose(output);
}

// Replies with the peer's own code (section 5.5.1), or with 1002 or 1007 if the frame is malformed. The reply is sent
// even if the closing was the peer's idea (section 5.5.1), and then the server closes the connection first (section
// 7.1.1), so that the TIME_WAIT is its own.
void WebSocketSession::OnClose(Output& output) {
  if (control_.empty()) return Close(kNormal, "", output);
  if (control_.size() < kCodeBytes) return Close(kNoWebSocket, "the code is cut off", output);
  const auto byte = [this](size_t i) { return static_cast<uint16_t>(static_cast<uint8_t>(control_[i])); };
  const uint16_t code = static_cast<uint16_t>(byte(0) << 8 | byte(1));
  if (!IsCode(code)) return Close(kNoWebSocket, "there is no such code", output);
  if (!IsUtf8(absl::string_view(control_).substr(kCodeBytes))) return Close(kNoUtf8, "the reason is not UTF-8", output);
  Close(code, "", output);
}

// Makes a message of each line that the line-based session has written; its pause and its close become ours.
void WebSocketSession::HandOn(Output& from_lines, Output& output) {
  const Output::Counts counts = from_lines.TakeCounts();
  for (int i = 0; i < counts.requests; ++i) output.CountRequest();
  for (int i = 0; i < counts.errors; ++i) output.CountError();
  const std::string text = TakeText(from_lines);
  if (!text.empty()) {
    for (absl::string_view line : absl::StrSplit(absl::StripSuffix(text, "\n"), '\n')) {
      WebSocketFrames::Write(Opcode::kText, line, output);
    }
  }
  // Behind the messages: the last of them may be the answer that says why.
  if (from_lines.closing()) return Close(kNormal, "", output);
  if (from_lines.has_work()) output.Pause(from_lines.pause().length, [](Output&) {});
}

// The code in network byte order, then the reason, which is UTF-8 and at most 123 bytes (section 5.5.1).
void WebSocketSession::Close(uint16_t code, absl::string_view reason, Output& output) {
  std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  absl::StrAppend(&payload, reason);
  WebSocketFrames::Write(Opcode::kClose, payload, output);
  End(output);
}

void WebSocketSession::End(Output& output) {
  ended_ = true;
  Output unheard;
  lines_->OnEndOfInput(unheard);  // At once: the peer may take its time to close, and must not stay in the room.
  output.Close();
}

}  // namespace polyserve
