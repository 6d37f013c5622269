// epoll: one thread, which tells the kernel once what it is interested in; each wait returns only what is ready
// (epoll(7)). Cost: no time per idle client, however many there are. Weak spot: long work for one client stalls all.
//
// The system calls are in backends/poller/epoll_poller.cc, EpollPoller::Wait() and Control(); the loop around them in
// backends/event/poller_loop.cc, PollerLoop::Turn().
#include <memory>

#include "absl/status/statusor.h"
#include "backends/backend.h"
#include "backends/epoll_flags.h"
#include "backends/event/poller_loop_options.h"
#include "backends/event_backend.h"
#include "backends/multi_loop.h"
#include "backends/registry.h"

namespace polyserve {

namespace {

absl::StatusOr<std::unique_ptr<Backend>> MakeEpollBackend() {
  // A function, not a poller: each loop (--workers) makes an epoll of its own, in its own thread or process. If all
  // shared one, an event of a client could wake a loop that does not serve it.
  const absl::StatusOr<MakePoller> epoll = EpollFromFlags();
  if (!epoll.ok()) return epoll.status();
  return MakeEventBackend({.make_poller = *epoll});
}

const RegisterModel kRow(
    {.name = "epoll",
     .description = "one thread, readiness told by epoll",
     .lesson = 100,
     .can = {.queues = true},
     .flags = "trigger workers worker_type accept accept_batch wake busy_poll pin_cpus offload offload_files",
     .adjust = &AdjustLoopTraits,
     .make = &MakeEpollBackend});

}  // namespace

}  // namespace polyserve
