// HubRoom: the room as seen by a process that shares no memory with the other members' processes. The members are in
// the hub (room/hub.h), each connected by a socket of which this side holds one end. That socket is the descriptor of
// the member's mailbox; and when a process dies, for any reason, the closed socket tells the hub that its members have
// left.
//
// Nothing here blocks on the hub: it may be stopped or dead, and all other services go on. While the hub reads nothing,
// a member has at most one message in flight and its next command waits; a join or leave that is not answered within
// kHubPatience fails.
#ifndef POLYSERVE_ROOM_HUB_ROOM_H_
#define POLYSERVE_ROOM_HUB_ROOM_H_

#include <memory>
#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "room/room.h"

namespace polyserve {

class HubRoom : public Room {
 public:
  // The name is for error messages: the hub compares it. Of the limits, the one on commands holds here, the other in
  // the hub.
  explicit HubRoom(std::string admin_name, const RoomLimits& limits = {})
      : admin_name_(std::move(admin_name)), limits_(limits) {}

  // Sets the socket through which members are announced to the hub; see Hub::TakeJoinFd(). Before that, joining is
  // Unavailable. Once the hub has gone, members that had joined are cut off, and new ones find the next hub through the
  // same socket.
  void ReachBy(UniqueFd join_fd);
  int join_fd() const { return join_fd_.get(); }

  // Never fails: a member for which there were no descriptors gets Unavailable when it wants to join. Any thread.
  std::unique_ptr<Member> NewMember() override;

 private:
  class HubMember;

  const std::string admin_name_;
  const RoomLimits limits_;
  UniqueFd join_fd_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_HUB_ROOM_H_
