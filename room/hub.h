// Hub: the process that holds the room when clients are served by processes, which share no memory.
//
//   worker:  session ─ member ═════ socket ═════▶ guest ┐
//   worker:  session ─ member ═════ socket ═════▶ guest ┼─ LocalRoom    the hub, one loop
//   server:  join_fd ───── sockets of new ones ─────▶ ┘     ▲
//        └── keeper ─────────── starts ───────────────────▶ hub, whose standard input is the administrator's
//
// A member creates a socket pair and sends one end, with the name that it wants, through the join_fd, a socket that all
// processes of the server have open (SCM_RIGHTS); no name in the file system is needed. The hub never blocks on a
// member: one that reads too slowly is cut off, as in any room. The hub exits when no process holds the join_fd any
// more, or with the server.
//
// The keeper, a single-threaded process that was forked before there were listeners or clients, replaces a hub that is
// killed. The keeper holds the hub's end of the join_fd, so that joins queue there meanwhile. The members of the old
// hub are cut off, and may join again. Both processes end with the server. If the keeper is killed, its hub ends with
// it, and there is no room until the server is restarted.
#ifndef POLYSERVE_ROOM_HUB_H_
#define POLYSERVE_ROOM_HUB_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "net/process.h"
#include "room/room.h"
#include "room/room_link.h"

namespace polyserve {

class Hub {
 public:
  // Starts it; before there are listeners or clients that it would inherit, and threads. Its operator reads from
  // `input`; -1: there is none. `in_keeper` is called in the new process, which all hubs are forked from. `make_link`,
  // unless it is null, is called in each hub.
  static absl::StatusOr<std::unique_ptr<Hub>> Start(
      const std::string& admin_name, const RoomLimits& limits, int input,
      const std::function<void()>& in_keeper = [] {}, const RoomLinkMaker& make_link = nullptr);

  // Destroy it after all processes that hold the join_fd have ended: the hub then ends by itself, and is waited for,
  // for a bounded time.
  ~Hub();

  // For HubRoom::ReachBy(). Passes ownership, so that processes forked from here on inherit it.
  UniqueFd TakeJoinFd() { return std::move(join_fd_); }
  // The keeper, so that code that reaps children recognises it.
  Process& process() { return process_; }

 private:
  Hub(Process process, UniqueFd join_fd) : process_(std::move(process)), join_fd_(std::move(join_fd)) {}

  Process process_;
  UniqueFd join_fd_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_HUB_H_
