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
// server forgets silent peers. Holds nothing.
#ifndef POLYSERVE_PROTOCOL_CHAT_DATAGRAMS_H_
#define POLYSERVE_PROTOCOL_CHAT_DATAGRAMS_H_

#include <cstddef>
#include <memory>

#include "absl/strings/string_view.h"
#include "protocol/session.h"
#include "room/room.h"

namespace polyserve {

class ChatDatagramSession : public Session {
 public:
  static constexpr size_t kMaxDatagramBytes = 1024;  // What the course's programs receive into.

  // The room must outlive it.
  explicit ChatDatagramSession(Room& room) : member_(room.NewMember()) {}

  void OnInput(Input& input, Output& output) override;
  Mailbox* mailbox() override { return member_.get(); }
  void OnMessage(const Message& message, Output& output) override;
  bool is_blank() const override { return member_->name().empty(); }

 private:
  absl::Status Say(absl::string_view name_and_text);
  absl::Status CheckIsOwn(absl::string_view name) const;

  const std::unique_ptr<Member> member_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_CHAT_DATAGRAMS_H_
