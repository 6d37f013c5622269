// sigio: one thread, and every descriptor sends it a signal when something happens (F_SETSIG in fcntl(2)); the thread
// takes them off a queue, one after the other (sigwaitinfo(2)). It is the fifth of Stevens' I/O models: signal-driven.
//
//   server:  sigwaitinfo ─▶ the descriptor that the signal names: read ─▶ session ─▶ write ─▶ sigwaitinfo ─▶ ...
//                 └▶ SIGIO: the queue was full: poll(2) all of them, once
//
// Cost: no time per idle client; three system calls to set a connection up, and one for each event, however many come
// at once. Weak spot: the queue is bounded, and shared with all processes of the user; long work for one client stalls
// all. epoll is what came of it.
//
// The system calls are in backends/poller/sigio_poller.cc, SigioPoller::TakeSignal() and StartSignals(); the loop
// around them in backends/event/poller_loop.cc, PollerLoop::Turn().
#include "backends/event/event_connection.h"
#include "backends/event_backend.h"
#include "backends/multi_loop.h"
#include "backends/poller/poller.h"
#include "backends/poller/sigio_poller.h"
#include "backends/registry.h"

namespace polyserve {

namespace {

absl::StatusOr<std::unique_ptr<Backend>> MakeSigioBackend() {
  // A signal is an edge: it comes with an event, not for as long as there is something to read. So there is no
  // --trigger, and connections read until their socket is empty.
  return MakeEventBackend({.make_poller = &SigioPoller::Create, .trigger = Trigger::kEdge}, &EventConnection::Start);
}

const RegisterModel kRow({.name = "sigio",
                          .description = "one thread, readiness told by signals",
                          .lesson = 95,
                          .flags = kLevelEventFlags,
                          .adjust = &AdjustLoopTraits,
                          .make = &MakeSigioBackend});

}  // namespace

}  // namespace polyserve
