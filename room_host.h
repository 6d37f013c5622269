// RoomHost: owns the chat room of a server, of the kind that its model needs, and lets the operator speak in it.
//
//   the model's clients share memory        LocalRoom, in this process
//   they are processes (fork, prefork ...)  Hub, a process of its own, and HubRoom, a connection to it
//
//   server:  Create() ──▶ Open() ──▶ StartThreads() ──▶ AddInheritedFd() ──▶ serving ──▶ the destructor
//   image:   Create() ─────────────────────────────────▶ AddInheritedFd() ──▶ serving
//
// In the main thread. Sessions use only what room() returns, which any thread may do.
#ifndef POLYSERVE_ROOM_HOST_H_
#define POLYSERVE_ROOM_HOST_H_

#include <functional>
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
#include "room/room_link.h"

namespace polyserve {

class RoomHost : public ChildObserver {
 public:
  // Makes the room, but starts nothing. `admin_name` is the operator's; `shares_memory` is the model's trait. Returns
  // InvalidArgument, with a text for the user, if the name is not valid. `link` connects the room with those of other
  // servers, if there are any.
  static absl::StatusOr<std::unique_ptr<RoomHost>> Create(const std::string& admin_name, const RoomLimits& limits,
                                                          bool shares_memory, const RoomLinkOptions& link);
  // Destroy it when serving is over, and all processes that serve have ended: ends the hub and the operator's thread,
  // and waits for both.
  ~RoomHost() override;

  // The room, for the sessions. Never null. A hub can be reached only after Open(); until then joining is Unavailable.
  std::shared_ptr<Room> room() const;

  // Starts the hub if the model needs one, and adds itself to the context's observers. Call it before the listeners
  // exist, because the hub would inherit them. Fails if the system has no process or descriptor left.
  // `in_hub` is called in the hub's first process.
  absl::Status Open(ServerContext& context, bool has_operator, const std::function<void()>& in_hub);
  // Registers the descriptor by which a program image reaches the hub. Call it in the server, after Open(), and in the
  // image, which does not call Open(). Does nothing if the room is in this process.
  void AddInheritedFd(ServerContext& context);
  // Starts the thread of the link, if there is one, and the operator's, unless the hub has both. Call it late, when
  // hardly anything else can fail, and no process is forked any more. Fails if the system has no thread or descriptor
  // left.
  absl::Status StartThreads(bool has_operator);

  // Called for each child that ends. Returns true if it was the hub's keeper. (If the hub itself dies, the keeper has
  // already started another one, and the server does not learn of it.)
  bool OnChildEnd(pid_t pid, int wait_status) override;

 private:
  absl::Status CheckLink() const;

  RoomHost(const std::string& admin_name, const RoomLimits& limits, const RoomLinkOptions& link)
      : admin_name_(admin_name), limits_(limits), link_options_(link) {}

  const std::string admin_name_;
  const RoomLimits limits_;
  const RoomLinkOptions link_options_;
  std::shared_ptr<LocalRoom> local_room_;  // One of these two is null.
  std::shared_ptr<HubRoom> hub_room_;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<RoomLink> link_;  // If the room is in this process.
  std::unique_ptr<Console> operator_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_HOST_H_
