// Inbox: a queue of clients from the thread that accepts to one of several loops (--accept=pass). Each loop has its own
// and watches fd(); it belongs to the loop's slot, so that the clients that a worker has left there when it ended are
// served by its replacement. Two kinds: a queue between threads, and a Unix socket between processes.
//
//   pool's thread:  HasRoom(), Put() ... Close()  ─▶  [ at most kMaxWaiting ]  ─▶  fd(), Take() until Unavailable :loop
//
// No call blocks, but that Put() between processes waits while the socket is full, which HasRoom() rules out.
#ifndef POLYSERVE_BACKENDS_ACCEPT_INBOX_H_
#define POLYSERVE_BACKENDS_ACCEPT_INBOX_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"

namespace polyserve {

class Inbox {
 public:
  // How many clients may wait. A loop that has not taken that many is given no more for now: another one may have time,
  // and clients that fit nowhere stay in the kernel's queue, where they cost nothing.
  static constexpr int kMaxWaiting = 64;

  virtual ~Inbox() = default;

  // For the pool's thread.
  bool HasRoom() { return CountUntaken() < kMaxWaiting; }
  virtual int CountUntaken() = 0;
  virtual absl::Status Put(Connection client) = 0;  // On error, the client is lost, and counted as ended.
  virtual void Close() = 0;                         // No more will come.

  // For the loop. fd() is readable while there is something to take, or after Close().
  //   Unavailable        no client is there, or one was lost on its way, and counted so
  //   Cancelled          no more will come
  //   ResourceExhausted  a client is lost for want of a descriptor; the caller counts it: pause
  virtual int fd() const = 0;
  virtual absl::StatusOr<Connection> Take() = 0;
};

// `on_room` is called by the loop when it takes clients from an inbox that was full, and must neither block nor call
// back. Fails for want of descriptors.
absl::StatusOr<std::unique_ptr<Inbox>> MakeThreadInbox(std::function<void()> on_room);

// The context holds the clients' listeners, on both sides, and must outlive it. A forked child calls Close() on all
// that it has, which leaves the server's side open, and takes from its own.
absl::StatusOr<std::unique_ptr<Inbox>> MakeProcessInbox(ServerContext& context, std::function<void()> on_room);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_INBOX_H_
