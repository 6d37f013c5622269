// Inbox: through it the one who accepts deals clients out to one of several loops (--accept=pass). Each loop has its
// own and watches fd(); it belongs to the loop's slot, so that what a worker that ended has left there is for the next
// one. Two kinds: a queue between threads, and a Unix socket between processes.
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
  // A loop that has not taken so many is given no more for now: another one may have time.
  static constexpr int kMaxWaiting = 64;

  virtual ~Inbox() = default;

  // For the one who deals. All of it from one thread.
  bool HasRoom() { return CountUntaken() < kMaxWaiting; }
  virtual int CountUntaken() = 0;
  virtual absl::Status Put(Connection client) = 0;  // On error, the client is lost, and counted as ended.
  virtual void Close() = 0;                         // No more will come.

  // For the loop. fd() is readable while there is something to take. Unavailable: nothing is there. Cancelled: no more
  // will come. ResourceExhausted: a client is lost for want of a descriptor.
  virtual int fd() const = 0;
  virtual absl::StatusOr<Connection> Take() = 0;
};

// `on_room` is called by the loop as it takes clients from an inbox that was full, and must neither block nor call
// back.
absl::StatusOr<std::unique_ptr<Inbox>> MakeThreadInbox(std::function<void()> on_room);

// The context holds the clients' listeners, on both sides, and must outlive it. A forked child calls Close() on all
// that it has, which leaves the server's side open, and takes from its own.
absl::StatusOr<std::unique_ptr<Inbox>> MakeProcessInbox(ServerContext& context, std::function<void()> on_room);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_INBOX_H_
