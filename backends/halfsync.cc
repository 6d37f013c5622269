// halfsync: half-sync/half-async (POSA2), or "reactor with a thread pool": one loop reads and writes for all clients;
// what has come goes through a queue to N workers, which run the sessions, and the answer comes back the same way.
//
//   loop:    wait for all ─▶ read ─▶ bytes to the queue ─▶ wait for all ─▶ ... ─▶ write what came back
//   worker:                                └▶ session, its long work too ─▶ output, wake the loop ─▶ next in the queue
//
// Cost: two hand-overs between threads for each request, and a copy of what has come; /-/status shows the queue. In
// return long work delays no other client, and sessions use all processors. Weak spot: short requests, which wait for
// a thread to wake up twice; one loop does all reading and writing.
//
// The hand-overs are in backends/event/event_connection.cc, ShowByHelper() and OnReady(); the queue and its workers in
// backends/connection/offload.cc.
// Source: Schmidt, Stal, Rohnert, Buschmann, Pattern-Oriented Software Architecture, vol. 2, "Half-Sync/Half-Async".
#include "absl/status/status.h"
#include "backends/accept/server_context.h"
#include "backends/connection/offload_options.h"
#include "backends/event/event_connection.h"
#include "backends/event/event_loop.h"
#include "backends/event/poller_loop.h"
#include "backends/event/poller_loop_options.h"
#include "backends/multi_loop.h"
#include "backends/poller/epoll_poller.h"
#include "backends/pool/pool_options.h"
#include "backends/registry.h"

namespace polyserve {

namespace {

absl::StatusOr<std::unique_ptr<Backend>> MakeHalfsyncBackend() {
  const absl::StatusOr<PoolOptions> pool = PoolOptionsFromFlags();
  if (!pool.ok()) return pool.status();
  const PollerLoopOptions options{
      .make_poller = &EpollPoller::Create,
      .offload = {.helpers = pool->workers, .runs_sessions = true, .overload = pool->overload}};
  if (absl::Status status = PollerLoop::Check(options); !status.ok()) return status;
  return MakeOneLoopBackend([options](ServerContext& context, const WorkerRole* role) {
    return PollerLoop::Create(context, role, options, &EventConnection::Start);
  });
}

const RegisterModel kRow({.name = "halfsync",
                          .description = "one thread reads and writes, others run the sessions",
                          .lesson = 120,
                          .can = {.computes_apart = true, .queues = true},
                          .flags = "workers",
                          .make = &MakeHalfsyncBackend});

}  // namespace

}  // namespace polyserve
