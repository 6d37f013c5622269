// select: one thread, which hands the kernel a set of descriptors as bits, and gets the ready ones back (select(2)).
// Cost: nothing per idle client, but each call copies and scans the set up to the highest descriptor.
// Weak spot: the set has 1024 bits (FD_SETSIZE). A connection whose descriptor has a larger number is refused, even if
// there are few. Long work for one client stalls all.
//
// The system call is in backends/poller/select_poller.cc, SelectPoller::Wait(); the loop around it in
// backends/event/poller_loop.cc, PollerLoop::Turn().
#include "backends/event_backend.h"
#include "backends/multi_loop.h"
#include "backends/poller/select_poller.h"
#include "backends/registry.h"

namespace polyserve {

namespace {

absl::StatusOr<std::unique_ptr<Backend>> MakeSelectBackend() {
  // The limit is on the number of a descriptor, not on how many there are: FD_SET() with a larger one would write
  // behind the set (select(2), BUGS). The kernel gives out the lowest free number (open(2)), so listeners and open
  // files use up numbers as well. Hence the check comes after accept(2): the acceptor closes a client whose number is
  // too large.
  return MakeEventBackend({.make_poller = &SelectPoller::Create, .max_descriptor = SelectPoller::kMaxDescriptor});
}

// 1024 is the size of the set, which clients share with the listeners and the loop's own descriptors.
const RegisterModel kRow({.name = "select",
                          .description = "one thread, readiness told by select",
                          .lesson = 80,
                          .can = {.queues = true, .max_clients = 1024},
                          .flags = kEventFlags,
                          .adjust = &AdjustLoopTraits,
                          .make = &MakeSelectBackend});

}  // namespace

}  // namespace polyserve
