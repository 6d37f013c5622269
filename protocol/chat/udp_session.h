// chat+udp: the room in the course's own dialect, a datagram for each command, reply and message (UTF-8, at most
// kMaxDatagramBytes), so that the course's client programs work as they are:
//
//   L <name>          -> OK, or why not       the others get: "\n欢迎 '<name>' 进入聊天室"
//   C <name> <text>   -> nothing              the others get: "\n<name> : <text>"
//   E <name>          -> EXIT                 the others get: "\n'<name>' 退出聊天室"
//
// The name belongs to the address that took it. What is refused is told in words, with a line end before them unless
// they answer an L, since the course's client prints them among the messages. A message that is longer than a datagram
// of these clients is cut; datagrams may get lost, so may messages. Whoever dies without a word has left as soon as the
// server forgets silent peers. Holds up to kMaxEarly datagrams while the room is asked.
//
// Addresses can be forged: one L in somebody's name must not bring every message of the room upon that host. The
// dialect has nothing that a peer would have to repeat, so this is what there is: a peer is verified by a second
// command, sent after it was sent an answer. Before that it gets at most kAmplification times the bytes that it has
// sent, or kUnverifiedBytes, which is what a member needs who only listens at first; then it is told once to say
// something, and no more. What begins with a line end is what servers say, and is never answered, so that no two ever
// go on for ever.
#ifndef POLYSERVE_PROTOCOL_CHAT_UDP_SESSION_H_
#define POLYSERVE_PROTOCOL_CHAT_UDP_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "protocol/session.h"
#include "room/room.h"

namespace polyserve {

class ChatDatagramSession : public Session {
 public:
  static constexpr size_t kMaxDatagramBytes = 1024;  // What the course's programs receive into.
  // To a peer that is not verified: the bound of QUIC (RFC 9000, section 8.1), and some short messages.
  static constexpr int64_t kAmplification = 3;
  static constexpr int64_t kUnverifiedBytes = 512;

  // The room must outlive it.
  explicit ChatDatagramSession(Room& room) : member_(room.NewMember()) {}

  void OnInput(Input& input, Output& output) override;
  Mailbox* mailbox() override { return member_.get(); }
  void OnMessage(const Message& message, Output& output) override;
  void OnTime(Output& output) override;
  bool is_stateless() const override { return member_->name().empty() && !member_->awaits_answer(); }
  bool is_verified() const override { return is_verified_; }
  bool idle() const override { return !member_->awaits_answer(); }
  absl::string_view closing_message() const override;

 private:
  static constexpr size_t kMaxEarly = 16;

  void OnDatagram(absl::string_view datagram, Output& output);
  absl::Status OnCommand(char command, absl::string_view rest, Output& output);
  void OnAnswer(const absl::Status& answer, Output& output);
  bool MaySend(size_t bytes) const;
  void Send(absl::string_view datagram, Output& output);
  absl::Status Say(absl::string_view name_and_text);
  absl::Status CheckIsOwn(absl::string_view name) const;

  const std::unique_ptr<Member> member_;
  int64_t received_bytes_ = 0;
  int64_t sent_bytes_ = 0;
  bool is_verified_ = false;
  bool told_to_speak_ = false;
  bool is_leaving_ = false;         // What a room that does not answer at once was asked for.
  bool was_told_to_wait_ = false;   // Since it was last heard.
  std::vector<std::string> early_;  // Datagrams that came while that answer is awaited; up to kMaxEarly.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_CHAT_UDP_SESSION_H_
