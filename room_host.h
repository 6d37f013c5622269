// RoomHost: owns the chat room of a server, of the kind that its model needs, and lets the operator speak in it.
//
//   the model's clients share memory        LocalRoom, in this process
//   they are processes (fork, prefork ...)  Hub, a process of its own, and HubRoom, a connection to it
//
//   Create() ──▶ Open() ──▶ AddInheritedFd() ──▶ OpenToOperator() ──▶ serving ──▶ the destructor
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
  // `admin_name` is the operator's. Returns InvalidArgument if it is not a valid name.
  static absl::StatusOr<std::unique_ptr<RoomHost>> Create(const std::string& admin_name, const RoomLimits& limits,
                                                          bool shares_memory);
  // Destroy it when serving is over: ends the hub and the operator's thread.
  ~RoomHost() override;

  // The room, for the sessions. A hub can be reached only after Open().
  std::shared_ptr<Room> room() const;

  // Starts the hub if the model needs one. Call before the listeners exist, because the hub would inherit them.
  absl::Status Open(ServerContext& context, bool has_operator);
  // Registers the descriptor by which a program image reaches the hub. Call it in the server, after Open(), and in the
  // image, which does not call Open().
  void AddInheritedFd(ServerContext& context);
  // Starts the operator's thread, unless the hub serves the operator. Call last, when nothing else can fail.
  absl::Status OpenToOperator();

  // The server calls it for each child that ends. Returns true if it was the hub's process. If the hub itself dies,
  // that process, its keeper, has already started another one.
  bool OnChildEnd(pid_t pid, int wait_status) override;

 private:
  RoomHost(const std::string& admin_name, const RoomLimits& limits) : admin_name_(admin_name), limits_(limits) {}

  const std::string admin_name_;
  const RoomLimits limits_;
  std::shared_ptr<LocalRoom> local_room_;  // One of these two is null.
  std::shared_ptr<HubRoom> hub_room_;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<Console> operator_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_HOST_H_
