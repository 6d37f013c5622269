// WebSocketSession: a WebSocket (RFC 6455) after its opening handshake, as an adapter for a line-based session, such as
// ChatSession:
//
//   browser ── text message "L ada" ──▶ WebSocketSession ── line "L ada\n" ──▶ line-based session
//   browser ◀── text message "OK" ───── WebSocketSession ◀── line "OK\n" ───── line-based session
//
//   kOpen: frames ──▶ messages ──▶ lines        The session closes, the peer closes or violates the protocol, or a ping
//     │                                         remains unanswered: a close frame, End(), and all further input is
//     └── Close(code) ──▶ ended_                discarded.
//
// The session answers pings, and sends one every kPingInterval. If nothing has arrived since the last one, the peer is
// gone, and the connection is closed. Codes with which the server closes (section 7.4.1):
//   1000 the line-based session has ended                  1001 the server stops, the peer was silent for too long, or
//                                                               the room has put it out or is lost: a line says so
//   1002 the peer violates the protocol                    1003 a message is not text
//   1007 a message is not UTF-8                            1009 a message has more than kMaxMessageBytes
// A close frame of the peer is answered with the peer's own code. Bound: one message. Input stays unconsumed only while
// there is no room for the answer.
#ifndef POLYSERVE_PROTOCOL_WEBSOCKET_SESSION_H_
#define POLYSERVE_PROTOCOL_WEBSOCKET_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mailbox.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/websocket/frames.h"

namespace polyserve {

class WebSocketSession : public Session {
 public:
  // Twice the longest line of a chat, so that the chat itself can refuse such a line in its own terms. Also, small
  // enough that the answers to a message of empty lines fit into one output.
  static constexpr size_t kMaxMessageBytes = 2048;
  // Half of the minute after which proxies and routers commonly forget a silent connection.
  static constexpr absl::Duration kPingInterval = absl::Seconds(30);

  // Call when the reply to the opening handshake has been appended to `output`; sets the timer of the first ping.
  // REQUIRES: `lines` writes whole lines only, may call Pause() but neither Work(), WriteFile() nor SetTimer(), and has
  // been told of its peer (Session::wants_peer()).
  static std::unique_ptr<Session> Start(std::unique_ptr<Session> lines, Output& output);

  void OnInput(Input& input, Output& output) override;
  void OnEndOfInput(Output& output) override;
  Mailbox* mailbox() override { return lines_->mailbox(); }
  void OnMessage(const Message& message, Output& output) override;
  void OnTime(Output& output) override;
  void OnResume(Output& output) override;
  bool idle() const override { return frames_.is_between_frames() && !within_message_; }
  absl::string_view closing_message() const override;

 private:
  explicit WebSocketSession(std::unique_ptr<Session> lines) : lines_(std::move(lines)) {}

  // Appends a piece to the message or the control frame that it belongs to.
  void Take(const WebSocketFrames::Piece& piece, Output& output);
  // Checks the header of a data frame; closes and returns false if it is refused.
  bool IsWelcome(const WebSocketFrames::Piece& piece, Output& output);
  // The message is complete.
  void OnText(Output& output);
  // Passes the message to the line-based session, until that pauses.
  void ShowLines(Output& output);
  // A ping, a pong or a close is complete.
  void OnControl(WebSocketFrames::Opcode opcode, Output& output);
  void OnClose(Output& output);
  // Turns the output of the line-based session into messages; its counts, close and pause are passed on.
  void HandOn(Output& from_lines, Output& output);
  // Sends a close frame, and ends.
  void Close(uint16_t code, absl::string_view reason, Output& output);
  // Tells the line-based session that its peer has left, and closes.
  void End(Output& output);

  const std::unique_ptr<Session> lines_;
  WebSocketFrames frames_;
  std::string message_;    // The message received so far.
  bool is_whole_ = false;  // It is complete, and passed to the line-based session,
  size_t shown_ = 0;       // which has consumed this much of it; it may pause in between.
  std::string control_;    // A control frame received so far; it may come between the frames of a message.
  bool within_message_ = false;
  bool has_heard_ = true;                // From the peer, since the last ping.
  bool ended_ = false;                   // A close frame was sent, or the connection is lost.
  mutable std::string closing_message_;  // Made when it is asked for.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_WEBSOCKET_SESSION_H_
