// WaitingRoom: the clients that a pool has accepted and no worker has time for, in the order that --overload says.
// Without such a rule they wait in the kernel's queue, where they cost nothing, but can neither change places nor be
// told that they wait in vain.
//
//   Pool: accept ─▶ Enter() ─┬▶ waits ─▶ Next() ─▶ a worker
//                            └▶ full, or Attend(): has waited for too long ─▶ refused (refuser.h)
//
// Belongs to the pool's thread. A client that waits costs a descriptor.
#ifndef POLYSERVE_BACKENDS_POOL_WAITING_ROOM_H_
#define POLYSERVE_BACKENDS_POOL_WAITING_ROOM_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "backends/overload/overload_options.h"
#include "backends/overload/waiting_line.h"
#include "backends/pool/refuser.h"
#include "net/statistics.h"

namespace polyserve {

class WaitingRoom {
 public:
  // The context must outlive it, and counts what comes in its row. `also`: see Refuser::Create().
  static absl::StatusOr<std::unique_ptr<WaitingRoom>> Create(const ServerContext& context,
                                                             const OverloadOptions& options, int also);

  // Takes over a client that was accepted, and counted. It, or the oldest, is refused if too many wait.
  void Enter(Connection client);

  // The one whose turn it is; empty: nobody waits. Those that it finds to have waited for too long are refused.
  std::optional<Connection> Next();
  // The oldest. For a server that stops, and so serves all that were there before.
  std::optional<Connection> Oldest() { return line_.TakeOldest(); }
  bool empty() const { return line_.empty(); }
  // Enter() would refuse one.
  bool is_full() const { return line_.is_full(); }

  // While fd() is readable, or when UntilNextLook() is over, call Attend(): it refuses those that have waited for too
  // long, unless the server stops.
  int fd() const { return refuser_->fd(); }
  absl::Duration UntilNextLook() const;
  void Attend();

  // In a forked child: closes its copies of the clients, which would keep them open when the pool has closed its own.
  void CloseInChild();

 private:
  WaitingRoom(const ServerContext& context, const OverloadOptions& options, std::unique_ptr<Refuser> refuser);

  void Refuse(Connection client, std::atomic<int64_t> QueueCounters::*as);

  const ServerContext& context_;
  WaitingLine<Connection> line_;
  const std::unique_ptr<Refuser> refuser_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_WAITING_ROOM_H_
