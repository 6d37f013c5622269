// Hub: the process that a room lives in where clients are served by processes that share no memory.
//
//   worker:  session ─ member ═════ socket ═════▶ guest ┐
//   worker:  session ─ member ═════ socket ═════▶ guest ┼─ LocalRoom    the hub, one loop
//   server:  join_fd ───── sockets of new ones ─────▶ ┘     ▲
//        └── keeper ─────────── starts ───────────────────▶ hub, whose standard input has the operator
//
// A member makes a pair of sockets, and sends one end, with the name that it wants, through the join_fd, which all
// processes of the server have open (SCM_RIGHTS); no name in the file system is needed. The hub waits for nobody: who
// takes too little of what is due to it is cut off, as in any room. It ends when nobody holds the join_fd any more,
// or with the server.
//
// A hub that is killed is replaced by its keeper, a process of one thread that was forked before there were listeners
// or clients. The keeper holds the hub's end of the join_fd, so that joins wait there meanwhile. The members of the
// old hub are cut off, and may join again. Both end with the server. Should the keeper be killed, its hub ends with
// it, and there is no room until the server is started anew.
#ifndef POLYSERVE_ROOM_HUB_H_
#define POLYSERVE_ROOM_HUB_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "net/process.h"
#include "room/room.h"

namespace polyserve {

class Hub {
 public:
  // Starts it; before there are listeners or clients that it would inherit, and threads. Its operator reads from
  // `input`; -1: there is none.
  static absl::StatusOr<std::unique_ptr<Hub>> Start(const std::string& admin_name, const RoomLimits& limits, int input);

  // To be called when all who hold the join_fd have ended: the hub then ends by itself, and is waited for, but not
  // for long.
  ~Hub();

  // For HubRoom::ReachBy(); it is handed over, to be inherited by those who are forked from here on.
  UniqueFd TakeReception() { return std::move(join_fd_); }
  // The keeper's. For whoever waits for children, to know this one.
  Process& process() { return process_; }

 private:
  Hub(Process process, UniqueFd join_fd) : process_(std::move(process)), join_fd_(std::move(join_fd)) {}

  Process process_;
  UniqueFd join_fd_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_HUB_H_
