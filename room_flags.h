// The flags about the chat room: its limits, and with which servers it is shared.
#ifndef POLYSERVE_ROOM_FLAGS_H_
#define POLYSERVE_ROOM_FLAGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "room/room.h"
#include "room/room_link.h"

namespace polyserve {

struct RoomOptions {
  std::string admin_name;  // The operator's; RoomHost::Create() checks it.
  RoomLimits limits;
  RoomLinkOptions link;  // In a program image, whose room is its server's, there is none.
};

// After the flags were parsed. `has_room`: a service has one. Returns InvalidArgument, with one line for the user, if a
// flag makes no sense, or the host of --room cannot be resolved. Looks it up, which may block, and reads --room_ca.
absl::StatusOr<RoomOptions> RoomOptionsFromFlags(bool has_room);

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_FLAGS_H_
