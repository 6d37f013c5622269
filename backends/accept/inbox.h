// Inbox: a queue of clients from the thread that accepts to one of several loops (--accept=pass). Each loop has its
// own, and watches fd(). It belongs to the loop's slot, not to the loop: if a loop ends, its replacement serves the
// clients that are left in it. Two kinds: a queue between threads, and a Unix socket between processes.
//
//   pool's thread:  HasRoom(), Put() ... Close()  ─▶  [ at most kMaxWaiting ]  ─▶  fd(), Take() until Unavailable :loop
//
// No call blocks, except that Put() between processes waits while the socket is full, which HasRoom() rules out.
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
  // How many clients may wait. A loop that has not taken this many gets no more for now: another one may have time, and
  // clients that fit nowhere stay in the kernel's queue, where they cost nothing.
  static constexpr int kMaxWaiting = 64;

  virtual ~Inbox() = default;

  // --- The pool's thread. ---

  bool HasRoom() { return CountUntaken() < kMaxWaiting; }
  // How many clients were put and not taken yet; the loop may be taking them meanwhile.
  virtual int CountUntaken() = 0;
  // Hands a client over. On error, it is lost, and counted as ended.
  virtual absl::Status Put(Connection client) = 0;
  // No more will come. The loop still gets those that are there.
  virtual void Close() = 0;

  // --- The loop. ---

  // Readable while there is something to take, or after Close(); stays the same.
  virtual int fd() const = 0;
  // The oldest client.
  //   Unavailable        no client is there, or one was lost on its way, and its end was counted
  //   Cancelled          no more will come
  //   ResourceExhausted  a client is lost for want of a descriptor; count its end, and pause
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
