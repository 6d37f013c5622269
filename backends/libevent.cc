// libevent: one thread, and whatever libevent thinks best on this system to wait with (on Linux: epoll).
// What a program does that wants readiness and does not care how it is told. Cost and weak spot: those of its choice.
#include "backends/event_backend.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<Backend>> MakeLibeventBackend() { return MakeEventBackend({}); }

}  // namespace polyserve
