// chat: a chat room over TCP, in the course's dialect, with a line for each command, reply and message (UTF-8, at most
// kMaxLineBytes, the end not counted):
//
//   L <name>          -> OK                   takes the name and joins; the others hear: 欢迎 '<name>' 进入聊天室
//   C <name> <text>   -> nothing              the others hear: <name> : <text>
//   E <name>          -> EXIT, and the end    the others hear: '<name>' 退出聊天室
//
// In place of a text may stand a command (room/room_command.h), such as /to for private words, or /kick for users with
// the right "admin". What the room answers to one comes among the messages.
//
// With --auth_file, a peer that has not the right to chat by everyone's shows who it is before it joins:
//
//   A <user> <password> -> OK             the user is one of the file; its name in the room may be another
//
// Errors are "ERR <code> <text>":
//   400  not one of these commands, or not a valid name or text
//   401  joining needs a password, or it is wrong
//   403  the user has not the right to chat, or to give this command; the name is not this peer's, is banned, or
//        contains the administrator's
//   404  nobody has the name of a command, or there is no such ban
//   409  the name is taken, or the peer has joined already
//   405  A, to a server without --auth_file
//   410  the peer was put out of the room: the last line
//   413  the line is too long, and was discarded
//   429  too many wrong passwords from this address
//   503  the room cannot take the peer now, or the other member does not read
//   507  there are too many bans
// The conversation continues after all of them but 410, unless the process that holds the room is lost. It closes after
// a line that was meant for an HTTP or TLS server. A peer that closes its side, or whose connection is lost, has left.
// Bound: one line.
//
//            L <name>: OK                      E <name>: EXIT
//   ──▶ not joined ─────────────▶ joined ───────────────────────▶ closed
//
// A room in another process (HubRoom) does not answer at once: the session then pauses (Output::Pause()) and polls, and
// reads nothing meanwhile. It pauses in the same way while the member speaks faster than --chat_rate.
#ifndef POLYSERVE_PROTOCOL_CHAT_SESSION_H_
#define POLYSERVE_PROTOCOL_CHAT_SESSION_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "access/access.h"
#include "protocol/line_reader.h"
#include "protocol/login.h"
#include "protocol/session.h"
#include "room/room.h"

namespace polyserve {

class ChatSession : public Session {
 public:
  static constexpr size_t kMaxLineBytes = 1024;  // As the course's programs have it; a line longer gets a 413.

  // The room must outlive the session. It may be shared by any number of threads. `access` null: everyone may join.
  explicit ChatSession(Room& room, std::shared_ptr<const Access> access = nullptr)
      : member_(room.NewMember()), access_(std::move(access)) {}

  void OnInput(Input& input, Output& output) override;
  void OnOverload(Output& output) override;
  void OnEndOfInput(Output& output) override;
  Mailbox* mailbox() override { return member_.get(); }
  void OnMessage(const Message& message, Output& output) override;
  void OnResume(Output& output) override;
  absl::string_view closing_message() const override;
  bool wants_peer() const override { return true; }
  void OnPeer(absl::string_view address) override {
    member_->set_address(address);
    if (access_ != nullptr) login_ = std::make_unique<Login>(access_, address);
  }
  void OnPeerName(absl::string_view name) override {
    if (access_ != nullptr) known_ = access_->PermissionsOf(name);
  }

  // In place of OnPeer() and OnPeerName(), for a peer that another session has admitted, with these permissions: http,
  // for a WebSocket. The command A is refused then.
  void Admit(absl::string_view address, const Permissions& permissions) {
    member_->set_address(address);
    known_ = permissions;
  }

 private:
  // Executes the commands that are there.
  void TakeLines(Input& input, Output& output);
  // The command A. False: the password is being verified, and the line has to be passed again after that.
  bool LogIn(absl::string_view user_and_password, Output& output);
  // By the present version of the file. REQUIRES: there is one.
  Permissions CurrentPermissions() const;
  // Refuses and returns false if the peer has not the right to chat.
  bool MayJoin(Output& output) const;
  void OnLine(absl::string_view line, Output& output);
  // The commands L, C and E.
  void Join(absl::string_view name, Output& output);
  void Say(absl::string_view name_and_text, Output& output);
  void Leave(absl::string_view name, Output& output);
  // Pauses while the room has not taken the last message.
  void AwaitSaid(Output& output);
  // The room has answered a Join() or Leave(), at once or later.
  void OnAnswer(const absl::Status& answer, Output& output) const;
  // Refuses and returns false if the name is not this member's.
  bool IsOwnName(absl::string_view name, Output& output) const;

  const std::unique_ptr<Member> member_;
  const std::shared_ptr<const Access> access_;
  std::unique_ptr<Login> login_;      // Null if access_ is.
  std::optional<Permissions> known_;  // Of the user who has logged in, or whose name the transport has proved.
  LineReader lines_{kMaxLineBytes};
  bool is_leaving_ = false;       // The answer that the member awaits is the one to Leave(), not to Join().
  bool is_skipping_ = false;      // Discards the rest of a line that was too long.
  mutable std::string farewell_;  // Made when it is asked for.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_CHAT_SESSION_H_
