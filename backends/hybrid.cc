// hybrid: several processes, each of several threads. A crash ends the clients of one process, and another process
// takes its place; within a process a client costs a thread, and not a process. Apache's httpd has both kinds, as its
// MPMs worker (threads) and event (events).
//
//   parent:  fork N processes ─▶ replace those that end
//   threads  each of a process's T threads:  epoll_wait ─▶ accept ─▶ [ read ─▶ session ─▶ write ]* ─▶ close ─▶ ...
//   events   a process's loop:               wait for all ─▶ read ─▶ bytes to a thread ─▶ ... ─▶ write what came back
//
// Cost: N processes of T threads each, however few the clients. Weak spot: with threads, as many silent clients as
// there are threads fill it; with events, two hand-overs for each request, as in halfsync. What all clients share (a
// chat room) needs a place outside of the processes.
//
// What the threads do is in backends/thread_team.cc. fork(2) is in backends/pool/worker_processes.cc, accept(2) in
// backends/pool/shared_listeners.cc; with events, the loops begin in backends/pool/loop_workers.cc.
// Source: the Apache HTTP Server, version 2.4, documentation of its modules mpm_worker and mpm_event.
#include <gflags/gflags.h>

#include <algorithm>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "backends/accept/accept_lock.h"
#include "backends/accept/server_context.h"
#include "backends/backend.h"
#include "backends/connection/offload_options.h"
#include "backends/event/event_connection.h"
#include "backends/event/event_loop.h"
#include "backends/event/poller_loop.h"
#include "backends/multi_loop.h"
#include "backends/poller/epoll_poller.h"
#include "backends/pool/pool_options.h"
#include "backends/process_pool.h"
#include "backends/registry.h"
#include "backends/thread_team.h"
#include "base/command_line.h"
#include "net/statistics.h"

DEFINE_string(serve, "threads", "=threads|events hybrid: a process gives each client a thread, or has a loop for all");
DEFINE_int32(threads, 25,
             "hybrid: how many threads each process has; if there are very many processes, fewer by default");

namespace polyserve {

namespace {

bool HasLoops() { return FLAGS_serve == "events"; }

// The default is Apache's (ThreadsPerChild). Each thread has a row of the statistics, and each loop has one.
absl::StatusOr<int> ThreadsOfEach(int processes) {
  const int most = Statistics::kMaxWorkers / processes - (HasLoops() ? 1 : 0);
  const int threads = IsFlagSet("threads") ? FLAGS_threads : std::clamp(most, 1, FLAGS_threads);
  if (threads >= 1 && threads <= most) return threads;
  return absl::InvalidArgumentError(absl::StrCat("--threads=", threads, " with --workers=", processes,
                                                 ": all processes together may have 1 to ", Statistics::kMaxWorkers,
                                                 HasLoops() ? " threads and loops" : " threads"));
}

// Each process is a halfsync of its own, whose threads count behind the rows of all loops.
absl::StatusOr<std::unique_ptr<Backend>> MakeEvents(int processes, int threads) {
  absl::StatusOr<LoopOptions> loops = LoopOptionsFromFlags();
  if (!loops.ok()) return loops.status();
  loops->are_processes = true;
  loops->pool.workers = loops->pool.workers_min = loops->pool.workers_max = processes;
  const auto make_loop = [processes, threads](ServerContext& context, const WorkerRole* role) {
    const OffloadOptions helpers{
        .helpers = threads, .runs_sessions = true, .first_row = processes + role->slot * threads};
    return PollerLoop::Create(context, role, {.make_poller = &EpollPoller::Create, .offload = helpers},
                              &EventConnection::Start);
  };
  return MakeMultiLoopBackend(make_loop, *loops);
}

absl::StatusOr<std::unique_ptr<Backend>> MakeHybridBackend() {
  if (FLAGS_serve != "threads" && FLAGS_serve != "events") {
    return absl::InvalidArgumentError(absl::StrCat("--serve=", FLAGS_serve, " is not one of threads, events"));
  }
  absl::StatusOr<PoolOptions> pool = PoolOptionsFromFlags();
  if (!pool.ok()) return pool.status();
  const absl::StatusOr<int> threads = ThreadsOfEach(pool->workers);
  if (!threads.ok()) return threads.status();
  if (HasLoops()) return MakeEvents(pool->workers, *threads);
  pool->threads_per_worker = *threads;
  return MakeProcessPool(*pool, &MakeProcessMutex, &ThreadTeam::Open);
}

// If each process has listeners of its own, the kernel gives a client to one of them even if all of its threads have
// clients. survives_crash stays false: a crash ends all clients of the process, not one alone.
void AdjustTraits(Traits& can) {
  const absl::StatusOr<PoolOptions> options = PoolOptionsFromFlags();
  can.pooled = !HasLoops();
  can.queues = can.pooled && PoolMayQueue();
  if (!can.pooled || !options.ok() || options->accept != AcceptPolicy::kReusePort) return;
  can.keeps_clients_apart = can.computes_apart = false;
}

const RegisterModel kRow(
    {.name = "hybrid",
     .description = "a thread of one of several processes",
     .lesson = 65,
     .can = {.pooled = true, .computes_apart = true, .shares_memory = false, .queues = true, .serves_elsewhere = true},
     .flags = "serve workers threads accept",
     .adjust = &AdjustTraits,
     .make = &MakeHybridBackend});

}  // namespace

}  // namespace polyserve
