// HubLoop: the event loop of the hub (room/hub.h). A member is a Guest here: one end of a socket, whose other end a
// server process holds (room/hub_room.h).
//
//   join_fd ─▶ a new member's socket ─▶ Guest ─▶ Room::NewMember()
//   Guest's socket ─▶ join, say, leave ─▶ Room ─▶ mailboxes of all ─▶ wake list ─▶ their sockets
//
// In each iteration it serves what epoll_wait(2) returns, then sends each member that has mail everything that is
// queued for it, in as few packets as possible. It never blocks on a member: mail that a socket does not take stays in
// the mailbox, whose capacity bounds it.
#ifndef POLYSERVE_ROOM_HUB_LOOP_H_
#define POLYSERVE_ROOM_HUB_LOOP_H_

#include <boost/intrusive/list.hpp>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "net/wake_list.h"
#include "room/room.h"

namespace polyserve {

// One thread; only the console's thread may speak in the room meanwhile, and so wake it.
class HubLoop {
 public:
  // The room and the join_fd, which stays the caller's, must outlive it. `server` is a descriptor that is readable once
  // the server has ended. Fails if the system has no descriptor left.
  static absl::StatusOr<std::unique_ptr<HubLoop>> Create(int join_fd, UniqueFd server, Room& room);
  ~HubLoop();

  // Blocks until no process holds the other end of the join_fd any more, or the server has ended. Fails only if the
  // kernel refuses to wait.
  absl::Status Run();

 private:
  class Guest;
  using Guests = boost::intrusive::list<Guest, boost::intrusive::constant_time_size<false>>;

  HubLoop(UniqueFd epoll, int join_fd, UniqueFd server, std::unique_ptr<WakeList> wakes, Room& room);

  // A tag tells what is ready: null the join_fd, this object the server's end, the wake list itself, or else a Guest.
  absl::Status Watch(int fd, void* tag) const;
  // Takes one parcel off the join_fd.
  bool Receive();

  const UniqueFd epoll_;
  const int join_fd_;
  const UniqueFd server_;
  const std::unique_ptr<WakeList> wakes_;
  Room& room_;
  const std::unique_ptr<Guests> guests_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_HUB_LOOP_H_
