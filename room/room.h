// Room: a place where what one member says reaches all others. It knows no wire format and no model: a session has a
// Member, which is also the mailbox that its driver looks after. Three rules hold in every room: a name belongs to one
// member at a time; all hear what is said in the same order; whoever leaves, for whatever reason, is said to have left.
//
//   std::unique_ptr<Member> member = room.NewMember();
//   absl::Status status = member->Join("ada");   // The others hear: 欢迎 'ada' 进入聊天室
//   member->Say("hello");                        // The others hear: ada : hello
//   member = nullptr;                            // The others hear: 'ada' 退出聊天室
#ifndef POLYSERVE_ROOM_ROOM_H_
#define POLYSERVE_ROOM_ROOM_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "room/mailbox.h"

namespace polyserve {

constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxTextBytes = 1024;

// Destroying it is leaving.
class Member : public Mailbox {
 public:
  // Takes the name and begins to hear. One that has a name already must leave first (CHECKed).
  //   InvalidArgument   it is no name; see CheckMemberName()
  //   PermissionDenied  it contains the administrator's name, or one that looks like it
  //   AlreadyExists     another member has it, or one that looks like it; see NameRegistry
  //   Unavailable       the room is gone; see HubRoom
  // Each message is one sentence for the peer. It may wait for a process that answers at once, see HubRoom, but never
  // for a peer.
  virtual absl::Status Join(absl::string_view name) = 0;
  // Says it to all others. Nothing happens where it has no name, or lost it by being cut off. The text must pass
  // CheckText().
  virtual void Say(absl::string_view text) = 0;
  // Gives up the name, and hears no more; what has come until then stays. Nothing happens where it has no name.
  virtual void Leave() = 0;

  // Empty until it has joined, and after it has left.
  const std::string& name() const { return name_; }

 protected:
  std::string name_;
};

class Room {
 public:
  virtual ~Room() = default;

  // Any thread. The room must outlive its members.
  virtual std::unique_ptr<Member> NewMember() = 0;
};

// InvalidArgument: it is empty, too long, not UTF-8, begins with a combining mark, or has characters in it that show
// nothing: by Unicode's categories separators (Z) and others (C: controls, formats, private and unassigned ones), and
// the default ignorable ones (fillers, tags, variation selectors).
absl::Status CheckMemberName(absl::string_view name);
// AlreadyExists, in the words for the peer.
absl::Status NameIsTaken();
// PermissionDenied, likewise.
absl::Status NameIsAdministrators(absl::string_view admin_name);
// InvalidArgument: it is empty, too long, not UTF-8, or has control characters in it.
absl::Status CheckText(absl::string_view text);

// What the others hear.
Message MakeSaying(absl::string_view name, absl::string_view text);
Message MakeArrival(absl::string_view name);
Message MakeDeparture(absl::string_view name);

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_ROOM_H_
