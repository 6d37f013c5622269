// Room: relays what one member says to all others. It knows no wire format and no model: a session owns a Member, which
// is also the mailbox that its driver drains. Three rules hold in every room: a name belongs to one member at a time;
// all members receive messages in the same order; when a member leaves, for any reason, the others hear of it.
//
//   std::unique_ptr<Member> member = room.NewMember();
//   absl::Status status = member->Join("ada");   // The others hear: 欢迎 'ada' 进入聊天室
//   member->Say("hello");                        // The others hear: ada : hello
//   member->Execute("/to bob hello");            // bob hears: ada -> bob : hello
//   member = nullptr;                            // The others hear: 'ada' 退出聊天室
//
// Nothing here blocks. If the room is in another process (HubRoom), it answers joins and leaves later; see
// awaits_answer().
//
// The life of a member, which may join and leave several times:
//
//           Join(): OK                Leave()
//   ──▶ no name ─────────▶ has a name ─────────▶ no name
//                              └─ backlog too large, or the room is gone ─▶ cut off, for good: end the conversation
#ifndef POLYSERVE_ROOM_ROOM_H_
#define POLYSERVE_ROOM_ROOM_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mailbox.h"
#include "room/rate_limit.h"

namespace polyserve {

constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxTextBytes = 1024;

constexpr absl::Duration kAnswerPollInterval = absl::Milliseconds(2);
constexpr absl::Duration kOverRatePause = absl::Milliseconds(20);  // Long enough for many commands at once.

// Bounds of what one member may cost the others.
struct RoomLimits {
  // Commands per second and member, and the burst after a silence; 0: unlimited. A person types about one a second, a
  // program that reports measurements some dozens. With texts of the largest size the default is a megabyte a second:
  // less than any listener reads, so that no single speaker can get a reader cut off.
  int commands_per_second = 1000;
  // Memory for queued messages of all members together: a message counts once, plus a little for each mailbox that it
  // is in. Above this, the member with the largest backlog is cut off.
  size_t waiting_bytes = size_t{32} << 20;
  // How many of the last texts a member receives that joins, as far as a quarter of waiting_bytes holds them; 0: none.
  size_t history_lines = 0;
};

// Destroying it is leaving.
class Member : public Mailbox {
 public:
  explicit Member(const RoomLimits& limits) : rate_(limits.commands_per_second) {}

  // Takes the name; from then on the member receives messages. A member that has a name must leave first (CHECKed).
  //   InvalidArgument     it is no name; see CheckMemberName()
  //   PermissionDenied    it contains the administrator's name, or one that looks like it
  //   FailedPrecondition  the name or the member's address is banned
  //   AlreadyExists       another member has it, or one that looks like it; see NameRegistry
  //   Unavailable         the room is gone; see HubRoom
  // Each error message is one sentence for the peer. OK with awaits_answer() true: the room has not answered yet.
  virtual absl::Status Join(absl::string_view name) = 0;
  // Sends a line to all other members. Does nothing if this member has no name, or was cut off. The text must pass
  // CheckText().
  virtual void Say(absl::string_view text) = 0;
  // Carries out a command (room/room_command.h) that this member may give; a text that is none is said. What the room
  // answers comes as mail: a line that begins with "ERR ", or what was done. Does nothing if this member has no name,
  // or was cut off. The text must pass CheckText().
  virtual void Execute(absl::string_view text) = 0;
  // From Cork() to Uncork(), what this member says may be held back, so that a thread or process that has many lines to
  // hear is woken once for all of them (as TCP_CORK does with bytes). For the commands that have come in one piece.
  virtual void Cork() = 0;
  virtual void Uncork() = 0;
  // Gives up the name, and receives no more; mail received before stays. Does nothing if this member has no name.
  virtual void Leave() = 0;

  // Empty until it has joined, and after it has left.
  const std::string& name() const { return name_; }

  // The peer's address, "192.0.2.7", by which it can be banned. Call it before Join(); without it, only names count.
  void set_address(absl::string_view address) { address_.assign(address.data(), address.size()); }

  // After Join() and Leave(): true until the room has answered. Poll it every kAnswerPollInterval.
  virtual bool awaits_answer() const { return false; }
  // The answer, as Join() would return it; nothing: not answered yet. Unavailable: the room does not answer, and this
  // member can never join; close the conversation.
  virtual std::optional<absl::Status> PollAnswer() { return absl::OkStatus(); }

  // Whether the peer's next command may be executed now. False: it is over its rate, or the room is busy; ask again
  // after kOverRatePause.
  bool may_command() { return rate_.allows_one() && IsReady(); }
  // Whether all that was said is on its way. False: the room had no room for the last message; ask again after
  // kOverRatePause, even if the peer says nothing more. Ask after Uncork(): what is corked is not looked at.
  bool has_said_all() { return IsReady(); }
  // Counts one command against the rate.
  void CountCommand() { rate_.Use(); }

  // True if it was cut off because the room is gone, and not for its backlog.
  bool has_lost_room() const { return has_lost_room_.load(std::memory_order_relaxed); }
  // Why it was put out of the room, in words for the peer: "kicked by ada: spam"; "" if it was not. Constant once
  // is_cut_off() is true.
  absl::string_view eviction() const { return is_cut_off() ? absl::string_view(eviction_) : absl::string_view(); }

 protected:
  virtual bool IsReady() { return true; }
  void NoteLostRoom() { has_lost_room_.store(true, std::memory_order_relaxed); }
  // Cuts it off, with this reason. Any thread, but only one, and only if it was not cut off before.
  void Evict(std::string why) {
    eviction_ = std::move(why);  // Published by the release of is_cut_off().
    CutOff();
  }

  std::string name_;
  std::string address_;

 private:
  RateLimit rate_;
  std::atomic<bool> has_lost_room_{false};
  std::string eviction_;
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
// FailedPrecondition, likewise.
absl::Status IsBanned(absl::string_view text);
// InvalidArgument: it is empty, too long, not UTF-8, or has control characters in it.
absl::Status CheckText(absl::string_view text);

// What the others hear.
Message MakeSaying(absl::string_view name, absl::string_view text);
Message MakeArrival(absl::string_view name);
Message MakeDeparture(absl::string_view name);
// What one member alone hears: "ada -> bob : hello". No name has a blank, so nobody can say this in another way.
Message MakePrivateSaying(absl::string_view from, absl::string_view to, absl::string_view text);
// An answer of the room to a command; see Member::Execute().
Message MakeAnswer(absl::string_view line);

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_ROOM_H_
