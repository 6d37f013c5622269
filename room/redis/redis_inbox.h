// RedisInbox: what a server reads from the stream of its room: which events are new, and how many are missing. It knows
// no connection, only answers of Redis.
//
// Each server numbers its events. It repeats those whose fate it does not know after its connection has broken, so that
// none is lost; here what has been heard already is left out, so that each is heard once. A number that is skipped is
// an event that was lost: the stream has a bound, and so has the queue of the other server.
#ifndef POLYSERVE_ROOM_REDIS_REDIS_INBOX_H_
#define POLYSERVE_ROOM_REDIS_REDIS_INBOX_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "room/redis/redis_reply.h"
#include "room/room_link.h"

namespace polyserve {

// Not thread-safe.
class RedisInbox {
 public:
  // Events of these two are left out: the server, and this process of it.
  RedisInbox(std::string server, std::string origin) : server_(std::move(server)), origin_(std::move(origin)) {}

  // Behind which entry to read on; "" before TakeNewest().
  const std::string& cursor() const { return cursor_; }

  // Takes the newest entries, newest first (XREVRANGE). The first time, reading begins behind them, and their events
  // are returned, oldest first. Later it only notices if Redis has lost entries that were read, and begins with the
  // first one then. InvalidArgument: these are no entries.
  absl::StatusOr<std::vector<RoomEvent>> TakeNewest(const RedisReply& entries);
  // Takes the answer to XREAD. Returns the events that are new and not this server's own, in order. InvalidArgument:
  // likewise. Entries that are malformed are left out.
  absl::StatusOr<std::vector<RoomEvent>> TakeNext(const RedisReply& streams);
  // How many events were missing since the last call.
  int64_t TakeMissing() { return std::exchange(missing_, 0); }

 private:
  // The time and the number that Redis gives an entry.
  using Id = std::pair<uint64_t, uint64_t>;
  struct Entry;

  static constexpr size_t kMaxOrigins = 4096;  // Those that were heard last; each is a process of a server.

  static absl::StatusOr<Id> IdOf(absl::string_view text);
  static absl::StatusOr<Entry> EntryOf(const RedisReply& reply);
  bool IsNew(const Entry& entry);

  const std::string server_;
  const std::string origin_;
  std::string cursor_;
  // The last number of each origin, and when it was heard.
  absl::flat_hash_map<std::string, std::pair<int64_t, int64_t>> heard_;
  int64_t entries_ = 0;  // Read so far.
  int64_t missing_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_REDIS_REDIS_INBOX_H_
