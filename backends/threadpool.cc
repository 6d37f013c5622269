// threadpool: threads that are there before the clients come, each serving one client after the other.
//
//   shared, reuseport   thread:  epoll_wait ─▶ accept ─▶ [ read ─▶ session ─▶ write ]* ─▶ close ─▶ epoll_wait ...
//   lock                thread:  lock ─▶ epoll_wait ─▶ accept ─▶ unlock ─▶ [ ... ]* ─▶ close ─▶ lock ...
//   pass                main:    accept ─▶ queue          thread:  queue ─▶ [ ... ]* ─▶ close ─▶ queue ...
//
// Cost: as many stacks, and (but for pass) twice as many descriptors, as there are workers, however few the clients; no
// thread is made while a client waits. Weak spot: as many silent clients as there are workers fill it; a crash ends
// all.
//
// Pool::Run() (backends/pool/pool.cc) decides when a worker starts. accept(2) is in the source that a worker opens
// (backends/pool/shared_listeners.cc).
// Source: Stevens, Fenner, Rudoff, UNIX Network Programming, vol. 1, chapter 30: "prethreaded" servers.
#include <memory>
#include <utility>

#include "backends/accept/accept_lock.h"
#include "backends/accept/server_context.h"
#include "backends/backend.h"
#include "backends/blocking/blocking_driver.h"
#include "backends/pool/client_queue.h"
#include "backends/pool/client_source.h"
#include "backends/pool/pool.h"
#include "backends/pool/pool_options.h"
#include "backends/pool/pool_parts.h"
#include "backends/registry.h"
#include "base/descriptor_limit.h"
#include "base/logging.h"
#include "net/thread_group.h"

namespace polyserve {

namespace {

// For each worker: its epoll, the acceptor's spare, and the epoll that waits for capacity in a full server.
constexpr int kDescriptorsOfWorker = 3;

class ThreadpoolBackend : public Backend, public WorkerFactory {
 public:
  // The queue calls this from workers that begin to wait, and so never before Prepare() has made parts_.
  explicit ThreadpoolBackend(const PoolOptions& options)
      : options_(options), queue_([this] { parts_->scoreboard.Wake(); }) {}

  // All threads share the process's descriptors: tries now whether there are enough, and what one of them opens.
  absl::Status Prepare(ServerContext& context) override {
    std::unique_ptr<AcceptLock> lock = options_.accept == AcceptPolicy::kLock ? MakeThreadLock() : nullptr;
    absl::StatusOr<std::unique_ptr<PoolParts>> parts = PoolParts::Create(context, options_, std::move(lock));
    if (!parts.ok()) return parts.status();
    parts_ = *std::move(parts);
    absl::Status status = ThreadGroup().Start([] {});
    if (status.ok()) status = parts_->TryUdpWorker();
    if (status.ok()) status = OpenSource(0).status();
    // With --accept=pass, an idle worker waits for a condition variable, and needs no descriptor.
    if (!status.ok() || parts_->passes()) return status;
    // The workers open theirs after the server has said that it is ready, when a client may take some as well.
    return CheckDescriptorsAreLeft(options_.workers * kDescriptorsOfWorker + kDescriptorsForClient,
                                   "threads that wait for clients");
  }

  absl::Status Serve(ServerContext&) override {
    Pool(*parts_, *this).Run();  // Calls the functions below.
    return absl::OkStatus();
  }

  absl::Status Start(int slot) override {
    return threads_.Start([this, slot] { RunWorker(slot); });
  }
  void Interrupt() override {
    // The signal makes the system call in which a worker waits fail with EINTR, because its handler is installed
    // without SA_RESTART (signal(7)). It does not end a wait for a mutex (--accept=lock). But it interrupts the worker
    // that holds the mutex, which then unlocks it, so that the next one notices the stop.
    threads_.InterruptAll();
    parts_->StopUdpWorker();
  }

  // With --accept=pass the main thread accepts.
  bool HasRoom() override { return queue_.HasRoom(); }
  void HandOver(Connection client) override { queue_.Push(std::move(client)); }
  void DismissOne() override { queue_.DismissOne(); }
  void DismissAll() override { queue_.Close(); }

 private:
  // In a thread of its own, from its start to its end. The scoreboard is its only report to the pool.
  void RunWorker(int slot) {
    const absl::Status status = parts_->is_udp_slot(slot) ? parts_->RunUdpWorker() : ServeClients(slot);
    if (!status.ok()) LOG_FLOOD(ERROR) << "a worker has failed: " << status.message();
    // In this order: the pool looks at the states when it wakes, and must find that this worker has gone. The thread
    // does not touch its slot after this, so a replacement may start in it at once.
    parts_->scoreboard.Set(slot, status.ok() ? Scoreboard::State::kLeft : Scoreboard::State::kCrashed);
    parts_->scoreboard.Wake();
  }

  absl::Status ServeClients(int slot) {
    absl::StatusOr<std::unique_ptr<ClientSource>> source = OpenSource(slot);
    if (!source.ok()) return source.status();
    // Counters of its own, so that no two workers write to the same cache line.
    ServerContext context = ContextOfThread(parts_->context, slot);
    PoolWorker worker(*parts_, slot, **source, context);
    while (true) {
      absl::StatusOr<Connection> client = worker.Next();
      if (!client.ok()) return absl::OkStatus();  // Dismissed, or the server stops.
      // The worker takes no other client until this one has left, so N silent clients fill a pool of N workers.
      DriveBlocking(*std::move(client), context);
    }
  }

  absl::StatusOr<std::unique_ptr<ClientSource>> OpenSource(int slot) {
    if (parts_->passes()) return queue_.Open();
    return parts_->shared_listeners->Open(slot);
  }

  const PoolOptions options_;
  std::unique_ptr<PoolParts> parts_;
  ClientQueue queue_;
  ThreadGroup threads_;  // Last, so that its destructor waits for them while the rest is still there.
};

absl::StatusOr<std::unique_ptr<Backend>> MakeThreadpoolBackend() {
  const absl::StatusOr<PoolOptions> options = PoolOptionsFromFlags();
  if (!options.ok()) return options.status();
  return std::make_unique<ThreadpoolBackend>(*options);
}

// If each worker has listeners of its own, the kernel gives a client to one of them even if that worker is busy.
void AdjustTraits(Traits& can) {
  can.queues = PoolMayQueue();
  const absl::StatusOr<PoolOptions> options = PoolOptionsFromFlags();
  if (options.ok() && options->accept == AcceptPolicy::kReusePort) can.keeps_clients_apart = can.computes_apart = false;
}

const RegisterModel kRow({.name = "threadpool",
                          .description = "a thread of a pool",
                          .lesson = 60,
                          .can = {.pooled = true, .computes_apart = true, .queues = true, .serves_elsewhere = true},
                          .flags = "workers accept wake workers_min workers_max max_requests_per_worker pin_cpus",
                          .adjust = &AdjustTraits,
                          .make = &MakeThreadpoolBackend});

}  // namespace

}  // namespace polyserve
