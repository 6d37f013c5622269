// chat+udp: the chat room in the course's own dialect, with a datagram for each command, reply and message (UTF-8, at
// most kMaxDatagramBytes), so that the course's client programs work unchanged:
//
//   L <name>          -> OK, or why not       the others get: "\n欢迎 '<name>' 进入聊天室"
//   C <name> <text>   -> nothing              the others get: "\n<name> : <text>"
//   E <name>          -> EXIT                 the others get: "\n'<name>' 退出聊天室"
//
// In place of a text may stand a command, as over TCP (protocol/chat/session.h). There are no passwords, so only if
// everyone has the right "admin" may a peer moderate the room.
//
// The name belongs to the address that took it. An error is a text, with a line end before it unless it answers an L,
// because the course's client prints it among the messages. A message longer than kMaxDatagramBytes is cut. Datagrams,
// and with them messages, may be lost. A peer that disappears silently leaves the room when the server forgets it
// (--idle_timeout). Bound: kMaxEarly datagrams, while the room has not answered.
//
//                    first command                   a second command after an answer
//   ──▶ stateless ──────────────────▶ unverified ─────────────────────────────────────▶ verified
//
// Addresses can be forged: one L in the name of another host must not direct every message of the room at that host.
// The dialect has no token that a peer would have to return, so a peer counts as verified only when it sends another
// command after an answer was sent to it. Before that it gets at most kAmplification times the bytes that it has sent,
// or kUnverifiedBytes if that is more, which is enough for a member that listens first. After that it is asked once to
// say something, and gets nothing more. A datagram that begins with a line end comes from a server and is never
// answered, so that two servers cannot keep each other busy for ever.
#ifndef POLYSERVE_PROTOCOL_CHAT_UDP_SESSION_H_
#define POLYSERVE_PROTOCOL_CHAT_UDP_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "access/access.h"
#include "protocol/session.h"
#include "room/room.h"

namespace polyserve {

class ChatDatagramSession : public Session {
 public:
  static constexpr size_t kMaxDatagramBytes = 1024;  // The size of the course's programs' buffers.
  // What an unverified peer may be sent: the factor of QUIC (RFC 9000, section 8.1), or a few short messages.
  static constexpr int64_t kAmplification = 3;
  static constexpr int64_t kUnverifiedBytes = 512;

  // The room must outlive the session. `access` may be null. If not, peers may join if everyone may: the dialect has no
  // passwords.
  explicit ChatDatagramSession(Room& room, std::shared_ptr<const Access> access = nullptr)
      : member_(room.NewMember()), access_(std::move(access)) {}

  void OnInput(Input& input, Output& output) override;
  Mailbox* mailbox() override { return member_.get(); }
  void OnMessage(const Message& message, Output& output) override;
  void OnTime(Output& output) override;
  bool wants_peer() const override { return true; }
  void OnPeer(absl::string_view address) override { member_->set_address(address); }
  bool is_stateless() const override { return member_->name().empty() && !member_->awaits_answer(); }
  bool is_verified() const override { return is_verified_; }
  bool idle() const override { return !member_->awaits_answer(); }
  absl::string_view closing_message() const override;

 private:
  static constexpr size_t kMaxEarly = 16;  // Further datagrams are dropped, as a full socket would do.

  void OnDatagram(absl::string_view datagram, Output& output);
  absl::Status OnCommand(char command, absl::string_view rest, Output& output);
  // Sets the timer while the room has not taken the last message.
  void AwaitSaid(Output& output);
  void OnAnswer(const absl::Status& answer, Output& output);
  bool MaySend(size_t bytes) const;
  void Send(absl::string_view datagram, Output& output);
  absl::Status Join(absl::string_view name);
  absl::Status Say(absl::string_view name_and_text);
  absl::Status CheckIsOwn(absl::string_view name) const;

  const std::unique_ptr<Member> member_;
  const std::shared_ptr<const Access> access_;
  int64_t received_bytes_ = 0;
  int64_t sent_bytes_ = 0;
  bool is_verified_ = false;
  bool told_to_speak_ = false;      // The peer was asked to say something.
  bool is_leaving_ = false;         // The answer that the member awaits is the one to Leave(), not to Join().
  bool was_told_to_wait_ = false;   // The peer was told that it speaks too fast, and has not been heard since.
  mutable std::string farewell_;    // Made when it is asked for.
  std::vector<std::string> early_;  // Datagrams received while that answer is awaited; up to kMaxEarly.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_CHAT_UDP_SESSION_H_
