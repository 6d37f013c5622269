// WebSocketSession: a WebSocket (RFC 6455) behind its opening handshake, which speaks for a session of lines: each text
// message is shown to that as a line, and each line that it writes becomes a text message.
//
//   > L ada        text messages that a browser's WebSocket.send() sends
//   OK             and those that it is given
//
// Pings are answered. The peer is pinged every kPingInterval; if nothing has come in such a time, the peer is gone,
// and the connection is closed. Closed by the server with these codes:
//   1000 the session of lines has come to its end          1001 the server stops, or nothing has moved for too long
//   1002 what has come is no WebSocket's                   1003 messages are to be text
//   1007 a message is not UTF-8                            1009 a message has more than kMaxMessageBytes
// Holds one message; leaves nothing unconsumed, but for what there is no room to answer.
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
  // Twice the longest line of a chat, so that such a line is refused in the chat's own words. Also, a message of empty
  // lines cannot have more answers than one output holds.
  static constexpr size_t kMaxMessageBytes = 2048;
  // Shorter than what proxies and routers commonly forget a silent connection after: a minute.
  static constexpr absl::Duration kPingInterval = absl::Seconds(30);

  // To be called when the reply to the opening handshake is in the output. The session of lines must write nothing but
  // whole lines, neither work (but it may pause) nor ask for the time; it must not want to know its peer.
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

  void Take(const WebSocketFrames::Piece& piece, Output& output);
  bool IsWelcome(const WebSocketFrames::Piece& piece, Output& output);
  void OnText(Output& output);
  void ShowLines(Output& output);
  void OnControl(WebSocketFrames::Opcode opcode, Output& output);
  void OnClose(Output& output);
  void HandOn(Output& from_lines, Output& output);
  void Close(uint16_t code, absl::string_view reason, Output& output);
  void End(Output& output);

  const std::unique_ptr<Session> lines_;
  WebSocketFrames frames_;
  std::string message_;    // As far as it has come.
  bool is_whole_ = false;  // It has come to its end, and is shown to the session of lines,
  size_t shown_ = 0;       // which has taken so much of it; it may pause in the middle.
  std::string control_;    // The same of a control frame, which may come between the frames of a message.
  bool within_message_ = false;
  bool has_heard_ = true;  // Of the peer, since the last ping.
  bool ended_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_WEBSOCKET_SESSION_H_
