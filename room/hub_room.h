// HubRoom: the room as a process sees it whose clients share no memory with those of other processes. The members are
// in the hub (room/hub.h); each has a socket to it, of which this side holds one end. So the descriptor of a member's
// mailbox is that socket's, and a process that dies, however that comes, has left by it.
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
  explicit HubRoom(std::string admin_name) : admin_name_(std::move(admin_name)) {}

  // Where members are announced; see Hub::reception(). Until then, and once the hub has gone, joining is Unavailable,
  // and whoever had joined is cut off.
  void ReachBy(UniqueFd reception);
  int reception() const { return reception_.get(); }

  std::unique_ptr<Member> NewMember() override;

 private:
  const std::string admin_name_;
  UniqueFd reception_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_HUB_ROOM_H_
