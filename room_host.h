// RoomHost: gives the server's clients one room, of the kind that its model needs: in memory where they share that, in
// a hub process where they do not; and the operator a voice in it.
#ifndef POLYSERVE_ROOM_HOST_H_
#define POLYSERVE_ROOM_HOST_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "net/child_observer.h"
#include "room/console.h"
#include "room/hub.h"
#include "room/hub_room.h"
#include "room/local_room.h"
#include "room/room.h"

namespace polyserve {

class RoomHost : public ChildObserver {
 public:
  // InvalidArgument: that is no name.
  static absl::StatusOr<std::unique_ptr<RoomHost>> Create(const std::string& admin_name, const RoomLimits& limits,
                                                          bool shares_memory);
  // To be called when serving is over: ends what was opened.
  ~RoomHost() override;

  // For the sessions. Nobody is there before it is opened.
  std::shared_ptr<Room> room() const;

  // Starts the hub if there is to be one: before the listeners are there, which it would inherit.
  absl::Status Open(ServerContext& context, bool has_operator);
  // Adds what a program image needs to reach the hub, in the server and in the image alike. After Open(), if that is
  // called.
  void AddInheritedFd(ServerContext& context);
  // Lets the operator speak, where that is not the hub's part: when nothing can fail any more, since it takes a thread.
  absl::Status OpenToOperator();

  bool OnChildEnd(pid_t pid, int wait_status) override;  // Of the hub.

 private:
  RoomHost(const std::string& admin_name, const RoomLimits& limits) : admin_name_(admin_name), limits_(limits) {}

  const std::string admin_name_;
  const RoomLimits limits_;
  std::shared_ptr<LocalRoom> local_room_;  // This one,
  std::shared_ptr<HubRoom> hub_room_;      // or this one is null.
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<Console> operator_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_HOST_H_
