// EventLoop: one thread that serves many clients, whatever it waits with. WorkerRole: what a loop has to know if it is
// one of several. Implemented by PollerLoop (poller_loop.h) and, on io_uring(7), by UringLoop (backends/uring).
//
//   alone           listeners ─▶ loop                        the loop takes the signals
//   shared,         listeners ─▶ loop, loop, loop            the pool's thread takes the signals, and stops the loops
//   reuseport                                                by stop_fd
//   pass            listeners ─▶ pool ─▶ inbox of one loop   likewise
#ifndef POLYSERVE_BACKENDS_EVENT_EVENT_LOOP_H_
#define POLYSERVE_BACKENDS_EVENT_EVENT_LOOP_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace polyserve {

class Inbox;
struct ServerContext;

// Created by a MakeLoop, used by the thread that created it, and destroyed there, which ends the clients that are left.
class EventLoop {
 public:
  virtual ~EventLoop() = default;

  // Serves until the server stops and the last client has left; see Backend::Serve(). Called once, by the thread that
  // created the loop. Fails only if the loop cannot wait any more; an error of one client ends that client.
  virtual absl::Status Run() = 0;
};

// The place of one of several loops. A loop that is alone has none (null): it takes the signals, and accepts.
struct WorkerRole {
  int stop_fd;                       // Readable once the server stops, and from then on: do not read it.
  Inbox* inbox;                      // Where its clients come from, until it ends; null: it accepts them.
  bool shares_listeners;             // Others wait at the listeners of its context.
  bool wakes_all;                    // Then a client wakes all of them, if the poller can tell one from all.
  std::function<void()> on_drained;  // Call it when all clients that had connected before the stop have been taken.
  int slot = 0;                      // Its place among the loops of the server.
};

// Creates a loop with all that serving needs (descriptors, memory, helpers), in the thread that will call Run(), so
// that the server is ready only when nothing can fail any more. The context, and the role, which is null if the loop is
// alone, must outlive the loop.
using MakeLoop =
    std::function<absl::StatusOr<std::unique_ptr<EventLoop>>(ServerContext& context, const WorkerRole* role)>;

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_EVENT_LOOP_H_
