// RedisOutbox: what a server has to tell Redis, in order, until Redis has answered it; and the names of its members.
// The room fills it from any thread; the link's thread empties it into a connection.
//
//   room:  Pass(), Claim(), ... ─▶ ops_ ── SendTo() ─▶ connection       link
//                                    └──── TakeReply() ◀─ answers        └▶ Effects: what the room is to hear
//
// What a connection has not answered when it breaks is sent again by the next one (others leave out what they have
// heard, see RedisInbox), except for what makes sense at that moment only: claims are granted for as long as the link
// is down, and words to a member of another server are given back.
#ifndef POLYSERVE_ROOM_REDIS_REDIS_OUTBOX_H_
#define POLYSERVE_ROOM_REDIS_REDIS_OUTBOX_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "room/redis/redis_connection.h"
#include "room/redis/redis_reply.h"
#include "room/room_link.h"

namespace polyserve {

// Any thread, but for what stands under "The link's thread".
class RedisOutbox {
 public:
  struct Options {
    std::string server = {};  // This server's id, the same for all processes that hold its room, one after the other.
    std::string origin = {};  // This process's.
    absl::Duration expiry = absl::Seconds(15);
    // What may wait for the link in events, commands and bans; further ones are lost, and events are counted. As much
    // again may wait in the ends of bans.
    size_t waiting_bytes = size_t{4} << 20;
    int64_t stream_length = 16384;  // The bound of the stream, in events.
  };
  // What the answers of Redis mean for the room. Carried out without the outbox's lock.
  struct Effects {
    std::vector<std::pair<int64_t, bool>> claims;              // For LocalRoom::AnswerClaim().
    std::vector<std::string> taken;                            // For TakeAway().
    std::vector<std::pair<std::string, std::string>> answers;  // For Answer().
    std::vector<std::pair<std::string, absl::Duration>> bans;  // For AddBan().
    bool is_settled = false;                                   // All names were claimed anew: the link is up.
  };

  // `wake` is called, under the lock, when there is something to send, and was nothing before.
  RedisOutbox(Options options, std::function<void()> wake) : options_(std::move(options)), wake_(std::move(wake)) {}

  // --- For the room; see RoomLink. ---
  bool is_up() const;
  void Pass(RoomEvent event);
  bool PassToOwner(std::string key, RoomEvent event, std::string asker, std::string done);
  void KeepBan(std::string key, std::string target, int minutes);
  void ForgetBan(std::string key);
  int64_t Claim(const std::string& key, absl::string_view name);
  void Release(const std::string& key);
  void Depart(const std::string& key, absl::string_view name);

  // --- The link's thread. ---

  // There is a connection that is ready: what it has to be told comes first, then what has waited, then the names.
  // From here on, claims are asked for.
  void Connect();
  // The connection has broken.
  Effects Disconnect();
  // Renews the lease. `buries`: also looks for servers whose lease has ended.
  void Refresh(bool buries);
  // The server ends: gives back what names there are.
  void SayGoodbye();
  // Gives the connection as much as it shall have at a time. False: nothing, until there is something new to send, or
  // an answer.
  bool SendTo(RedisConnection& connection);
  // The answer to the oldest command that it was given. InvalidArgument: it is none.
  absl::Status TakeReply(const RedisReply& reply, Effects& effects);
  bool empty() const;
  // How many events were lost since the last call, for lack of room.
  int64_t TakeLost();

 private:
  // A name that a member has. `claim` is the number of its last claim, 0 if it was not asked for yet.
  struct Name {
    std::string name;
    int64_t claim = 0;
    bool is_confirmed = false;
  };
  struct Claimed {
    std::string key;
    std::string name;
    int64_t claim;
    bool is_again;  // The member has the name already.
  };
  struct Op {
    enum class Kind {
      kRefresh,
      kEvent,
      kToOwner,
      kKeepBan,
      kForgetBan,
      kLoadBans,
      kClaim,
      kRelease,
      kDepart,
      kGoodbye
    };
    Kind kind;
    RoomEvent event = {};
    int64_t number = 0;
    std::string key = {};
    std::string text = {};  // How to renew the lease, the asker, or the target of a ban.
    std::string done = {};
    int minutes = 0;
    std::vector<Claimed> names = {};
    bool is_last = false;  // Of those that Connect(), or AddClaims(), adds.
  };

  void Add(Op op) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The member with this name has left. True: Redis was asked for the name, and is to get it back.
  bool Forget(const std::string& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Never lost: there are no more of them than names.
  void AddDeparture(const std::string& key, RoomEvent departure) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Claims names anew that are granted already; all of them if the link has just come up. False if there are none.
  bool AddClaims() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Send(const Op& op, RedisConnection& connection) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeClaims(const Op& op, const RedisReply& reply, Effects& effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What it takes of Options::waiting_bytes; 0 if there are only as many as names.
  static size_t SizeOf(const Op& op);
  // Adds it, if there is room for it: Options::waiting_bytes, and this reserve.
  bool Admit(Op op, size_t reserve = 0) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The same, in the place of an earlier one of the same ban, if that still waits.
  void AddOfBan(Op op, size_t reserve) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The same; if not, the event is counted as lost.
  void AddEvent(RoomEvent event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const std::function<void()> wake_;
  mutable Mutex mutex_;
  std::deque<Op> ops_ ABSL_GUARDED_BY(mutex_);
  size_t sent_ ABSL_GUARDED_BY(mutex_) = 0;  // Of them, by the present connection.
  size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, Name> names_ ABSL_GUARDED_BY(mutex_);  // By key.
  bool is_up_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_fresh_ ABSL_GUARDED_BY(mutex_) = true;  // Redis has answered nothing so far.
  // The others were told that this server's members have left; until its names are claimed anew.
  bool was_buried_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t last_claim_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t lost_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_REDIS_REDIS_OUTBOX_H_
