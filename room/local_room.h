// LocalRoom: a room whose members are all served by this process, from any of its threads.
//
//   Say() ─▶ mutex_ ─▶ Push() to every mailbox ─▶ waker ─▶ driver of each member ─▶ its socket
//               └ a mailbox that is full, or the largest if all together are: cut off, and the others hear of it
//
// One lock is held while a message is pushed to all mailboxes, so that all members receive messages in the same order.
// That takes some ten nanoseconds per member, and touches no socket: each driver pops the message from its member's
// mailbox later. Wakers are called with the lock held (see Waker).
//
// It keeps the last texts that were said to all (RoomLimits::history_lines), and the bans; both end with it.
#ifndef POLYSERVE_ROOM_LOCAL_ROOM_H_
#define POLYSERVE_ROOM_LOCAL_ROOM_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/mailbox.h"
#include "base/mutex.h"
#include "room/ban_list.h"
#include "room/name_registry.h"
#include "room/room.h"
#include "room/room_command.h"

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

  // Takes a line of the operator's, which must pass CheckText(): a command (room/room_command.h), whose answer goes to
  // the log, or a text for SayAsAdmin().
  void TakeOperatorLine(absl::string_view line);

  // Messages for one member alone, private words and answers, are refused or dropped while it has more than this
  // waiting: they are not shared, and so are not covered by RoomLimits::waiting_bytes.
  static constexpr size_t kMaxWaitingForLoneMessage = 64 * 1024;

 private:
  class LocalMember;
  // What an answer has, a line each.
  using Lines = std::vector<std::string>;
  // What a ban holds for: a key of BanList, and how lists show it.
  struct BanTarget {
    std::string key;
    std::string shown;
    std::string name;  // Empty: it is an address.
  };

  // What members call. Joins and departures are announced to the others under the same lock.
  absl::Status Add(LocalMember& seat, absl::string_view name);
  void Say(LocalMember& seat, absl::string_view text);
  void Remove(LocalMember& seat);
  void Execute(LocalMember& seat, absl::string_view text);

  // The commands. `by` is the name of the one who gives it.
  Lines Perform(const RoomCommand& command, absl::string_view by) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Lines SayTo(const RoomCommand& command, absl::string_view by) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Lines Kick(const RoomCommand& command, absl::string_view by) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Lines Ban(const RoomCommand& command, absl::string_view by) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Lines Unban(const RoomCommand& command) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Lines Bans() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // FailedPrecondition, in the words for the peer.
  absl::Status CheckBans(const LocalMember& seat, absl::string_view name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  BanTarget TargetOf(absl::string_view name_or_address) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null if there is none.
  LocalMember* Find(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  LocalMember* FindBanned(const BanTarget& target) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Cuts it off with this reason, and tells the others that it has left. Returns the line about it.
  std::string PutOut(LocalMember& seat, std::string why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static bool PushAlone(LocalMember& seat, const Message& message);
  // Keeps a text for members that join later.
  void Remember(const Message& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Wakes those who hear something that was said while its speaker was corked.
  void WakeListeners();

  void TellAllBut(const LocalMember* one, const Message& message, bool wakes = true)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Disconnects a member whose mailbox is full, and notes the departure for the others.
  void CutOff(LocalMember& seat, std::vector<Message>& departures) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop(LocalMember& seat) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string admin_name_;
  const RoomLimits limits_;
  Mutex mutex_;  // Taken before that of a mailbox.
  std::vector<LocalMember*> seats_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<absl::string_view, LocalMember*> seats_by_name_ ABSL_GUARDED_BY(mutex_);
  NameRegistry names_ ABSL_GUARDED_BY(mutex_);
  BanList bans_ ABSL_GUARDED_BY(mutex_);
  std::deque<Message> history_ ABSL_GUARDED_BY(mutex_);
  size_t history_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_LOCAL_ROOM_H_
