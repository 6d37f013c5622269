// chat: a room over TCP, the dialect of the course with a line for each command, each reply and each message (UTF-8,
// at most kMaxLineBytes, the end not counted):
//
//   L <name>          -> OK                   takes the name and joins; the others hear: 欢迎 '<name>' 进入聊天室
//   C <name> <text>   -> nothing              the others hear: <name> : <text>
//   E <name>          -> EXIT, and the end    the others hear: '<name>' 退出聊天室
//
// Errors: "ERR <code> <text>": 400 it is none of these, or no name or text; 403 the name is not this peer's (nobody
// speaks or leaves for another), or contains the administrator's; 409 the name, or a name, is taken already; 413 the
// line is too long, and was thrown away; 503 there is no room now. The conversation goes on after all of them, but not
// after what was meant for a server of HTTP or TLS.
// Whoever closes its side, or is lost, has left. A session holds one line.
#ifndef POLYSERVE_PROTOCOL_CHAT_SESSION_H_
#define POLYSERVE_PROTOCOL_CHAT_SESSION_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "protocol/line_reader.h"
#include "protocol/session.h"
#include "room/room.h"

namespace polyserve {

class ChatSession : public Session {
 public:
  static constexpr size_t kMaxLineBytes = 1024;

  // The room must outlive it.
  explicit ChatSession(Room& room) : member_(room.NewMember()) {}

  void OnInput(Input& input, Output& output) override;
  void OnEndOfInput(Output& output) override;
  Mailbox* mailbox() override { return member_.get(); }
  void OnMessage(const Message& message, Output& output) override;
  void OnResume(Output& output) override;
  absl::string_view closing_message() const override;

 private:
  void OnLine(absl::string_view line, Output& output);
  void Join(absl::string_view name, Output& output);
  void Say(absl::string_view name_and_text, Output& output);
  void Leave(absl::string_view name, Output& output);
  void OnAnswer(const absl::Status& answer, Output& output) const;
  bool IsOwnName(absl::string_view name, Output& output) const;

  const std::unique_ptr<Member> member_;
  LineReader lines_{kMaxLineBytes};
  bool is_leaving_ = false;   // What a room that does not answer at once was asked for.
  bool is_skipping_ = false;  // The rest of a line that was too long.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_CHAT_SESSION_H_
