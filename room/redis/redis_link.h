// RedisLink: a RoomLink through Redis: all servers that name the same Redis, and the same database in it, share a room.
//
//   room, any thread ─▶ RedisOutbox ─┐                     ┌─ writer: names, leases, XADD ─▶ Redis
//                                    ├─ one thread, poll ──┤
//   LocalRoom::Hear() ◀─ RedisInbox ─┘                     └─ reader: XREAD ... BLOCK ◀──── Redis
//
// It has a thread of its own, as the console has, so that it is the same under every model: each model waits for
// clients in its own way, and the room may be in a process that does nothing else (the hub). The thread waits for Redis
// with poll(2) and never blocks; the room only queues.
//
// While Redis cannot be reached, the members of each server hear each other, and are told; it is tried again at growing
// intervals. What was said meanwhile is sent, and read, when it can be reached again: a stream keeps what was said, as
// publish and subscribe would not.
//
// Names: a server holds a lease, which it renews; the hash of names says which server has a name. When a lease has
// ended, another server frees the names behind it, and tells the room that these members have left (redis_scripts.h).
// So renewing costs one command, however many members there are.
#ifndef POLYSERVE_ROOM_REDIS_REDIS_LINK_H_
#define POLYSERVE_ROOM_REDIS_REDIS_LINK_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "net/deadline.h"
#include "room/local_room.h"
#include "room/redis/redis_connection.h"
#include "room/redis/redis_inbox.h"
#include "room/redis/redis_outbox.h"
#include "room/room_link.h"

namespace polyserve {

class RedisLink : public RoomLink {
 public:
  struct Options {
    RedisServer server;
    RedisOutbox::Options outbox;  // Without `origin`, which Start() makes.
    size_t history_lines = 0;     // As RoomLimits::history_lines.
  };

  // A name for this server that no other one has, for Options::outbox.
  static std::string MakeServerId();

  // Starts the thread, and connects the room with it (LocalRoom::SetLink()). Waits until the link is up or the first
  // attempt has failed: a server that says that it is ready is in the room that all share, if that can be. Redis may
  // take as long as its patience (RedisServer) for the connection and for each of the first few answers, so this may
  // take some times as long. The room must outlive it. Fails if the system has no descriptor or thread left.
  static absl::StatusOr<std::unique_ptr<RoomLink>> Start(Options options, LocalRoom& room);
  // Disconnects the room, sends what is queued, for a second at most, and ends the thread.
  ~RedisLink() override;

  bool is_up() const override { return outbox_.is_up(); }
  void Pass(RoomEvent event) override { outbox_.Pass(std::move(event)); }
  bool PassToOwner(std::string key, RoomEvent event, std::string asker, std::string done) override {
    return outbox_.PassToOwner(std::move(key), std::move(event), std::move(asker), std::move(done));
  }
  void KeepBan(std::string key, std::string target, int minutes) override {
    outbox_.KeepBan(std::move(key), std::move(target), minutes);
  }
  void ForgetBan(std::string key) override { outbox_.ForgetBan(std::move(key)); }
  int64_t Claim(const std::string& key, absl::string_view name) override { return outbox_.Claim(key, name); }
  void Release(const std::string& key) override { outbox_.Release(key); }
  void Depart(const std::string& key, absl::string_view name) override { outbox_.Depart(key, name); }

 private:
  // What the reader has asked for.
  enum class Reading { kNothing, kNewest, kNext };

  RedisLink(Options options, LocalRoom& room, UniqueFd wake);

  void Wake() const;
  void Run();
  void Await(absl::Duration at_most);
  absl::Status Connect();
  absl::Status Serve();
  absl::Status Write();
  absl::Status Read();
  void Ask();
  absl::Status TakeNewest(const RedisReply& reply);
  absl::Status TakeNext(const RedisReply& reply);
  void CarryOut(const RedisOutbox::Effects& effects);
  void NoteUp();
  void Lose(const absl::Status& why);
  void NoteFirstAttempt();

  const Options options_;
  LocalRoom& room_;
  const UniqueFd wake_;  // An eventfd.
  RedisOutbox outbox_;

  // --- The thread's own. ---
  RedisInbox inbox_;
  std::unique_ptr<RedisConnection> writer_, reader_;
  Reading reading_ = Reading::kNothing;
  bool is_connected_ = false;  // The outbox has a connection.
  bool is_settled_ = false;    // The names are claimed.
  bool has_read_ = false;      // It is known where to read on.
  bool is_up_ = false;         // All of these; the members have been told, if they were told otherwise.
  bool is_told_lost_ = false;
  size_t attempts_ = 0;  // Since it was up.
  Deadline next_attempt_;
  Deadline next_refresh_;
  Deadline may_bury_;  // Until then the others may be about to connect anew, as this server has.
  Deadline may_read_;  // Members are not to be overwhelmed.
  int hold_ups_ = 0;   // In a row.

  Mutex mutex_;
  std::condition_variable_any attempted_;
  bool has_attempted_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_REDIS_REDIS_LINK_H_
