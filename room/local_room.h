// LocalRoom: a room whose members are all served by this process, from any of its threads.
//
//   Say() ─▶ mutex_ ─▶ Push() to every mailbox ─▶ waker ─▶ driver of each member ─▶ its socket
//               └ a mailbox that is full, or the largest if all together are: cut off, and the others hear of it
//
// One lock is held while a message is pushed to all mailboxes, so that all members receive messages in the same order.
// That takes some ten nanoseconds per member, and touches no socket: each driver pops the message from its member's
// mailbox later. Wakers are called with the lock held (see Waker).
#ifndef POLYSERVE_ROOM_LOCAL_ROOM_H_
#define POLYSERVE_ROOM_LOCAL_ROOM_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "room/name_registry.h"
#include "room/room.h"

namespace polyserve {

// All calls from any thread. It must outlive its members.
class LocalRoom : public Room {
 public:
  // No member's name may contain the administrator's. The limits hold for all members together (RoomLimits).
  explicit LocalRoom(std::string admin_name, const RoomLimits& limits = {})
      : admin_name_(std::move(admin_name)), limits_(limits), names_(admin_name_) {}

  // Not in the room before it joins. Never fails.
  std::unique_ptr<Member> NewMember() override;

  // Sends a line to all members, as said by the administrator, and without their limit on commands. The text must pass
  // CheckText(). Does not block longer than the lock is held.
  void SayAsAdmin(absl::string_view text);

 private:
  class LocalMember;

  // What members call. Joins and departures are announced to the others under the same lock.
  absl::Status Add(LocalMember& seat, absl::string_view name);
  void Say(LocalMember& seat, absl::string_view text);
  void Remove(LocalMember& seat);

  void TellAllBut(const LocalMember* one, const Message& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Disconnects a member whose mailbox is full, and notes the departure for the others.
  void CutOff(LocalMember& seat, std::vector<Message>& departures) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop(LocalMember& seat) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string admin_name_;
  const RoomLimits limits_;
  Mutex mutex_;  // Taken before that of a mailbox.
  std::vector<LocalMember*> seats_ ABSL_GUARDED_BY(mutex_);
  NameRegistry names_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_LOCAL_ROOM_H_
