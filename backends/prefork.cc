// prefork: processes that are forked before the clients come, each serving one client after the other.
//
//   shared, reuseport   worker:  epoll_wait ─▶ accept ─▶ [ read ─▶ session ─▶ write ]* ─▶ close ─▶ epoll_wait ...
//   lock                worker:  lock ─▶ epoll_wait ─▶ accept ─▶ unlock ─▶ [ ... ]* ─▶ close ─▶ lock ...
//   pass                parent:  accept ─▶ sendmsg        worker:  epoll_wait ─▶ recvmsg ─▶ [ ... ]* ─▶ close ─▶ ...
//
// Cost: as many processes as there are workers, however few the clients; no fork while a client waits. A worker that
// crashes takes one client along, and is replaced. Weak spot: as many silent clients as there are workers fill it;
// what clients share (a chat room) needs a place outside of the workers.
// Pool::Run() (backends/pool/pool.cc) decides when a worker starts; what it does before it serves is in
// backends/process_pool.cc. fork(2) is in backends/pool/worker_processes.cc, accept(2) in the source that a worker
// opens (backends/pool/shared_listeners.cc).
// Sources: Stevens, Fenner, Rudoff, UNIX Network Programming, vol. 1, chapter 30 ("preforked" servers); on accepting:
// Brecht, Pariag, Gammo, "accept()able Strategies for Improving Web Server Performance", USENIX 2004.
#include <gflags/gflags.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/accept/accept_lock.h"
#include "backends/backend.h"
#include "backends/blocking/blocking_driver.h"
#include "backends/pool/client_source.h"
#include "backends/pool/pool.h"
#include "backends/pool/pool_options.h"
#include "backends/process_pool.h"
#include "backends/registry.h"
#include "base/command_line.h"

DEFINE_string(lock, "mutex", "=mutex|file prefork --accept=lock: what the lock is, in shared memory or by fcntl(2)");

namespace polyserve {

namespace {

class OneAfterTheOther : public ProcessWork {
 public:
  static absl::StatusOr<std::unique_ptr<ProcessWork>> Open(const WorkerProcess& process) {
    absl::StatusOr<std::unique_ptr<ClientSource>> source = process.OpenSource();
    if (!source.ok()) return source.status();
    return std::make_unique<OneAfterTheOther>(process, *std::move(source));
  }

  OneAfterTheOther(const WorkerProcess& process, std::unique_ptr<ClientSource> source)
      : process_(process), source_(std::move(source)) {}

  absl::Status Run() override {
    PoolWorker worker(process_.parts, process_.slot, *source_, process_.parts.context);
    while (true) {
      absl::StatusOr<Connection> client = worker.Next();
      if (!client.ok()) return absl::OkStatus();  // Dismissed, or the server stops.
      DriveBlocking(*std::move(client), process_.parts.context);
    }
  }

 private:
  const WorkerProcess& process_;
  const std::unique_ptr<ClientSource> source_;
};

absl::StatusOr<std::unique_ptr<AcceptLock>> MakeLock() {
  return FLAGS_lock == "file" ? MakeFileLock() : MakeProcessMutex();
}

absl::StatusOr<std::unique_ptr<Backend>> MakePreforkBackend() {
  const absl::StatusOr<PoolOptions> options = PoolOptionsFromFlags();
  if (!options.ok()) return options.status();
  if (IsFlagSet("lock") && options->accept != AcceptPolicy::kLock) {
    return absl::InvalidArgumentError("--lock goes with --accept=lock; leave it out, or say that");
  }
  if (FLAGS_lock != "mutex" && FLAGS_lock != "file") {
    return absl::InvalidArgumentError(absl::StrCat("--lock=", FLAGS_lock, " is not one of mutex, file"));
  }
  return MakeProcessPool(*options, &MakeLock, &OneAfterTheOther::Open);
}

// If each worker has listeners of its own, the kernel gives a client to one of them even if that worker is busy.
void AdjustTraits(Traits& can) {
  can.queues = PoolMayQueue();
  const absl::StatusOr<PoolOptions> options = PoolOptionsFromFlags();
  if (options.ok() && options->accept == AcceptPolicy::kReusePort) can.keeps_clients_apart = can.computes_apart = false;
}

const RegisterModel kRow({.name = "prefork",
                          .description = "a process of a pool",
                          .lesson = 50,
                          .can = {.pooled = true,
                                  .computes_apart = true,
                                  .survives_crash = true,
                                  .shares_memory = false,
                                  .queues = true,
                                  .serves_elsewhere = true},
                          .flags = "workers accept wake lock workers_min workers_max max_requests_per_worker pin_cpus",
                          .adjust = &AdjustTraits,
                          .make = &MakePreforkBackend});

}  // namespace

}  // namespace polyserve
