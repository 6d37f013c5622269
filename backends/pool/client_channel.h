// ClientChannel: hands clients from the process that accepts to the workers that serve (--accept=pass). Descriptors
// travel over one pair of Unix sockets that keeps messages apart (SCM_RIGHTS, unix(7); net/fd_passing.h).
//
//   parent  Push() ──▶ inlet ══════ outlet ──▶ Open()->Next()  any worker that is idle
//
// The book (UNPv1, chapter 30) has a pipe for each child. Here all workers share one, and the parent keeps both ends:
// if a worker is killed before it has taken a client, another worker takes it. ClientQueue is the same for threads.
#ifndef POLYSERVE_BACKENDS_POOL_CLIENT_CHANNEL_H_
#define POLYSERVE_BACKENDS_POOL_CLIENT_CHANNEL_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "backends/pool/client_source.h"
#include "backends/pool/scoreboard.h"
#include "base/unique_fd.h"

namespace polyserve {

// Each process that is forked has its own copy of this object; none of the calls may overlap within a process.
class ClientChannel {
 public:
  ClientChannel() = default;  // Unusable until another channel is moved into it.
  // Call it before the first fork. ResourceExhausted or the like: the system has no descriptors left.
  static absl::StatusOr<ClientChannel> Create();

  // In the parent. Sends a copy of the client's descriptor; the caller closes its own. A client that cannot be sent is
  // lost: this is logged, and the client is counted as ended. Push only while fewer clients are on their way than
  // workers are idle: a full socket blocks.
  void Push(const Connection& client, ServerContext& context);

  // How many messages (clients, and requests to leave) no worker has received yet. Any process may ask.
  int CountUntaken() const;

  // In the parent: asks one worker, any that is idle, to leave.
  void DismissOne();

  // In the parent: all workers are to leave when they have taken what is on its way. A worker must call it first of
  // all, because the channel has ended only when the last copy of the inlet is closed.
  void CloseInlet() { inlet_.reset(); }

  // In a worker: where it gets its clients from. Next() wakes the pool through the scoreboard each time this worker
  // becomes idle, and from then on counts the client as this worker's own. The channel, the scoreboard and the context
  // must outlive the source. Fails if there is no descriptor for its epoll.
  absl::StatusOr<std::unique_ptr<ClientSource>> Open(Scoreboard& scoreboard, ServerContext& context) const;

 private:
  ClientChannel(UniqueFd inlet, UniqueFd outlet) : inlet_(std::move(inlet)), outlet_(std::move(outlet)) {}

  UniqueFd inlet_;
  // Non-blocking: a worker that waited in recvmsg() itself could be killed with a client half received.
  UniqueFd outlet_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_CLIENT_CHANNEL_H_
