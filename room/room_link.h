// RoomLink: what connects the room of this server with those of others (--room), as the room sees it: an outlet for
// what its members do, and the judge of who may have a name. LocalRoom calls it, and is called back by it
// (LocalRoom::Hear() and what stands beside it); no session and no model knows of it.
//
//   LocalRoom ── Pass(), Claim(), Depart() ─▶ RoomLink ─▶ the other servers
//   LocalRoom ◀─ Hear(), AnswerClaim(), TakeAway() ── RoomLink ◀─ the other servers
//
// Without one, a room is alone, and pays a comparison with null.
#ifndef POLYSERVE_ROOM_ROOM_LINK_H_
#define POLYSERVE_ROOM_ROOM_LINK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

class LocalRoom;

// What the rooms tell each other.
struct RoomEvent {
  enum class Kind : char {
    kSay = 's',      // `from` says `text` to all.
    kArrive = 'a',   // `from` has joined.
    kDepart = 'd',   // `from` has left.
    kCommand = 'c',  // `from` gives the command `text`, which it may; see room/room_command.h.
  };
  Kind kind = Kind::kSay;
  std::string from;
  std::string text = {};
};

// The answer to a command about a member that is not there.
inline constexpr absl::string_view kNobodyHasThatName = "ERR 404 nobody in the room has that name";

// All calls come with the room's lock held, from any thread, and return at once. They must not call the room.
class RoomLink {
 public:
  virtual ~RoomLink() = default;

  // False: the other servers cannot be reached. What is passed waits until they can, up to a bound.
  virtual bool is_up() const = 0;

  // Passes an event to all other servers, in the order of these calls.
  virtual void Pass(RoomEvent event) = 0;
  // The same, but only if a member of any server has the name with this key (NameRegistry::KeyOf()). Later answers the
  // member `asker` by LocalRoom::Answer(): with `done`, unless that is empty, or that nobody has the name. If the link
  // breaks before, the event is dropped, and the answer says so. False: too much waits already; nothing is passed, and
  // nothing is answered later.
  [[nodiscard]] virtual bool PassToOwner(std::string key, RoomEvent event, std::string asker, std::string done) = 0;
  // Keeps a ban for servers that start later, or forgets it. Targets that mean the same have the same key (BanList);
  // `target` is one as it was typed.
  virtual void KeepBan(std::string key, std::string target, int minutes) = 0;
  virtual void ForgetBan(std::string key) = 0;

  // Asks for a name, by its key, for a member of this room. Returns a number with which
  // LocalRoom::AnswerClaim() is called later, after some seconds at most; 0: the link is down, and the name is this
  // member's until it is up again. Then the room may hear that it is another's, by LocalRoom::TakeAway().
  virtual int64_t Claim(const std::string& key, absl::string_view name) = 0;
  // Gives the name back, whether it was granted, is still asked for, or was taken away.
  virtual void Release(const std::string& key) = 0;
  // Gives the name back, and passes on that its member has left, in one step: no server hears of it while the name is
  // still taken, even if this one dies meanwhile.
  virtual void Depart(const std::string& key, absl::string_view name) = 0;
};

// Makes the link of this room, in the process that holds the room, and connects the two. Fails if the system has no
// thread or descriptor left.
using RoomLinkMaker = std::function<absl::StatusOr<std::unique_ptr<RoomLink>>(LocalRoom& room)>;

// How to connect a room with those of other servers; nothing in it if it is alone.
struct RoomLinkOptions {
  // Tries once, for some seconds at most. Unavailable: it may be better the next time; other errors are for the user,
  // such as a wrong password. Called in the server, before it is ready.
  std::function<absl::Status()> check = nullptr;
  // Called in the process that holds the room.
  RoomLinkMaker make = nullptr;
  std::vector<uint16_t> tcp_ports = {};  // To which it connects.
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_ROOM_LINK_H_
