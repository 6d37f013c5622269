// poll: one thread, which hands the kernel a list of descriptors, and gets the ready ones marked in it (poll(2)).
// Cost: nothing per idle client, but each call copies and scans the whole list. Weak spot: many idle clients; long work
// for one client stalls all.
//
// The system call is in backends/poller/poll_poller.cc, PollPoller::Wait(); the loop around it in
// backends/event/poller_loop.cc, PollerLoop::Turn().
#include "backends/event_backend.h"
#include "backends/multi_loop.h"
#include "backends/poller/poll_poller.h"
#include "backends/registry.h"

namespace polyserve {

namespace {

absl::StatusOr<std::unique_ptr<Backend>> MakePollBackend() {
  // No limit of its own: poll(2) takes a list as long as RLIMIT_NOFILE allows. But each wait passes the whole list to
  // the kernel, which asks every descriptor again.
  return MakeEventBackend({.make_poller = &PollPoller::Create});
}

const RegisterModel kRow({.name = "poll",
                          .description = "one thread, readiness told by poll",
                          .lesson = 90,
                          .can = {.queues = true},
                          .flags = kEventFlags,
                          .adjust = &AdjustLoopTraits,
                          .make = &MakePollBackend});

}  // namespace

}  // namespace polyserve
