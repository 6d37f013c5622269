// LocalRoom: a room whose members are all served by this process, from any of its threads.
//
//   Say() ─▶ mutex_ ─▶ Push() to every mailbox ─▶ waker ─▶ driver of each member ─▶ its socket
//               │                                   └ at Uncork(), if the speaker was corked
//               └ a mailbox that is full, or the largest if all together are: cut off, and the others hear of it
//
// One lock is held while a message is pushed to all mailboxes, so that all members receive messages in the same order.
// That takes some ten nanoseconds per member, and touches no socket: each driver pops the message from its member's
// mailbox later. Wakers are called with the lock held (see Waker).
//
// It keeps the last texts that were said to all (RoomLimits::history_lines), and the bans; both end with it.
//
// With a RoomLink it is a part of a larger room. Its own members hear each other as without one, at once; what they do
// is passed on under the same lock, and what the others do comes in by Hear(). So the members of one server hear the
// same order, and all servers hear each speaker's order.
#ifndef POLYSERVE_ROOM_LOCAL_ROOM_H_
#define POLYSERVE_ROOM_LOCAL_ROOM_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mailbox.h"
#include "base/mutex.h"
#include "room/ban_list.h"
#include "room/name_registry.h"
#include "room/room.h"
#include "room/room_command.h"
#include "room/room_link.h"

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

  // Connects it with other rooms, before any member joins; or, null, does so no longer: once that returns, the link is
  // not called any more.
  void SetLink(RoomLink* link);

  // --- For the link: what has come from the other servers. It may be anything, and is checked. ---

  // Events of other servers, in order; members are woken once for all of them. Returns the largest backlog that a
  // member had, in bytes: the link should not pour in more than members take.
  size_t Hear(const std::vector<RoomEvent>& events);
  // A text that was said before this room was there, for its history.
  void Recall(const RoomEvent& event);
  // The answer to RoomLink::Claim(); does nothing if the member has left meanwhile.
  void AnswerClaim(int64_t claim, bool is_granted);
  // A member of another server has this name, which a member of this one has taken while the link was down. That
  // member is put out.
  void TakeAway(absl::string_view name);
  // A ban that was made before this room was there, or was reachable.
  void AddBan(absl::string_view target, absl::Duration length);
  // An answer to a command of this member's or the operator's.
  void Answer(absl::string_view asker, absl::string_view line);
  // A line for all members of this server alone, by the administrator.
  void Notify(absl::string_view text);

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
  // What PollAnswer() does for a member whose name was claimed.
  std::optional<absl::Status> FinishJoin(LocalMember& seat);
  void Sit(LocalMember& seat) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Say(LocalMember& seat, absl::string_view text);
  void Remove(LocalMember& seat);
  void Execute(LocalMember& seat, absl::string_view text);
  // What Hear() does with each event. Leaves it to WakeListeners() to wake the members.
  size_t HearQuietly(const RoomEvent& event);
  void HearCommand(const RoomEvent& event);

  // The commands. `by` is the name of the one who gives it, a member of this server, or of another one.
  Lines Perform(const RoomCommand& command, absl::string_view by) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Lines SayTo(const RoomCommand& command, absl::string_view by) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Lines Kick(const RoomCommand& command, absl::string_view by) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Lines Ban(const RoomCommand& command, absl::string_view by) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Lines Unban(const RoomCommand& command, absl::string_view by) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Lines Bans() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // FailedPrecondition, in the words for the peer.
  absl::Status CheckBans(const LocalMember& seat, absl::string_view name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  BanTarget TargetOf(absl::string_view name_or_address) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null if there is none.
  LocalMember* Find(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  LocalMember* FindBanned(const BanTarget& target) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Cuts it off with this reason, and tells the others that it has left. Returns the line about it.
  // `is_told`: on the other servers as well, as nearly always.
  std::string PutOut(LocalMember& seat, std::string why, bool is_told = true) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static bool PushAlone(LocalMember& seat, const Message& message);
  // Passes an event of this server's on, if there are others.
  void PassOn(RoomEvent::Kind kind, absl::string_view from, absl::string_view text = "")
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // For a command about a member that this server has not: passes it to the one that has it, if any. Returns what can
  // be answered at once.
  Lines PassToOwner(const RoomCommand& command, absl::string_view by, std::string done)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Message FromAdmin(absl::string_view text) const { return MakeSaying(admin_name_, text); }
  // Keeps a text for members that join later.
  void Remember(const Message& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Wakes those who hear something that was said while its speaker was corked, or on another server.
  void WakeListeners();

  // Returns the largest backlog of a member, in bytes.
  size_t TellAllBut(const LocalMember* one, const Message& message, bool wakes = true)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Disconnects a member whose mailbox is full, and notes the departure for the others.
  void CutOff(LocalMember& seat, std::vector<Message>& departures) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop(LocalMember& seat, bool is_told = true) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string admin_name_;
  const RoomLimits limits_;
  Mutex mutex_;  // Taken before that of a mailbox.
  std::vector<LocalMember*> seats_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<absl::string_view, LocalMember*> seats_by_name_ ABSL_GUARDED_BY(mutex_);
  NameRegistry names_ ABSL_GUARDED_BY(mutex_);
  BanList bans_ ABSL_GUARDED_BY(mutex_);
  std::deque<Message> history_ ABSL_GUARDED_BY(mutex_);
  size_t history_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  RoomLink* link_ ABSL_GUARDED_BY(mutex_) = nullptr;
  absl::flat_hash_map<int64_t, LocalMember*> claims_ ABSL_GUARDED_BY(mutex_);  // Of those that do not sit yet.
  bool is_hearing_ ABSL_GUARDED_BY(mutex_) = false;  // Within Hear(): what is done now was not done by this server.
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_LOCAL_ROOM_H_
