// EventLoop: one thread that serves many clients, whatever it waits with; WorkerRole: its place, where it is one of
// several.
#ifndef POLYSERVE_BACKENDS_EVENT_EVENT_LOOP_H_
#define POLYSERVE_BACKENDS_EVENT_EVENT_LOOP_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace polyserve {

class Inbox;
struct ServerContext;

class EventLoop {
 public:
  virtual ~EventLoop() = default;

  // Serves until told to stop and the last client has left; see Backend::Serve(). Called once, by the thread that made
  // it.
  virtual absl::Status Run() = 0;
};

// A loop that is alone takes the signals, and accepts. One of several does neither, or shares the listeners.
struct WorkerRole {
  int stop_fd;                       // Readable once the server stops.
  Inbox* inbox;                      // Where its clients come from, until it ends; null: it accepts them.
  bool shares_listeners;             // Others wait at the listeners of its context.
  std::function<void()> on_drained;  // To be called when all who had connected before the stop have been taken.
};

// Gets what serving needs, in the thread that will call Run(). The context, and the role, which is null where the loop
// is alone, must outlive the loop.
using MakeLoop =
    std::function<absl::StatusOr<std::unique_ptr<EventLoop>>(ServerContext& context, const WorkerRole* role)>;

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_EVENT_LOOP_H_
