// HubRoom: the room as a process sees it whose clients share no memory with those of other processes. The members are
// in the hub (room/hub.h); each has a socket to it, of which this side holds one end. So the descriptor of a member's
// mailbox is that socket's, and a process that dies, however that comes, has left by it.
//
// Nothing here waits for the hub, whatever state it is in: it may be stopped or dead, and all other services go on.
// What a member says while the hub takes nothing is one message at most, its next command has to wait, and a join or a
// leave that is not answered within kHubPatience has failed.
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
  explicit HubRoom(std::string admin_name, const RoomLimits& limits = {})
      : admin_name_(std::move(admin_name)), limits_(limits) {}

  // Where members are announced; see Hub::TakeReception(). Until then joining is Unavailable. Once the hub has gone,
  // those who had joined are cut off, and the others find the next hub there.
  void ReachBy(UniqueFd join_fd);
  int join_fd() const { return join_fd_.get(); }

  std::unique_ptr<Member> NewMember() override;

 private:
  class HubMember;

  const std::string admin_name_;
  const RoomLimits limits_;
  UniqueFd join_fd_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_HUB_ROOM_H_
