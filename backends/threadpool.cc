// threadpool: threads that are there before the clients come, each serving one client after the other.
//
//   shared, reuseport   thread:  epoll_wait ─▶ accept ─▶ [ read ─▶ session ─▶ write ]* ─▶ close ─▶ epoll_wait ...
//   lock                thread:  lock ─▶ epoll_wait ─▶ accept ─▶ unlock ─▶ [ ... ]* ─▶ close ─▶ lock ...
//   pass                main:    accept ─▶ queue          thread:  queue ─▶ [ ... ]* ─▶ close ─▶ queue ...
//
// Cost: as many stacks, and (but for pass) twice as many descriptors, as there are workers, however few the clients; no
// thread is made while a client waits. Weak spot: as many silent clients as there are workers fill it; a crash ends
// all. Source: Stevens, Fenner, Rudoff, UNIX Network Programming, vol. 1, chapter 30: "prethreaded" servers.
#include <memory>
#include <optional>
#include <utility>

#include "backends/accept/accept_lock.h"
#include "backends/accept/server_context.h"
#include "backends/backend.h"
#include "backends/pool/client_queue.h"
#include "backends/pool/client_source.h"
#include "backends/pool/pool.h"
#include "backends/pool/pool_options.h"
#include "backends/pool/scoreboard.h"
#include "backends/pool/shared_listeners.h"
#include "backends/pool/udp_worker.h"
#include "backends/registry.h"
#include "base/descriptor_limit.h"
#include "base/logging.h"
#include "net/thread_group.h"

namespace polyserve {

namespace {

// What it waits with, a spare, and what it waits with for a place.
constexpr int kDescriptorsOfWorker = 3;

class QueueSource : public ClientSource {
 public:
  explicit QueueSource(ClientQueue& queue) : queue_(queue) {}
  absl::StatusOr<Connection> Next() override { return queue_.Pop(); }

 private:
  ClientQueue& queue_;
};

class Threads : public WorkerFactory {
 public:
  Threads(ServerContext& context, const PoolOptions& options, Scoreboard& scoreboard, SharedListeners& shared_listeners,
          UdpWorker* udp_worker)
      : context_(context),
        options_(options),
        scoreboard_(scoreboard),
        shared_listeners_(shared_listeners),
        udp_worker_(udp_worker),
        queue_([&scoreboard] { scoreboard.Wake(); }) {}

  absl::Status Start(int slot) override {
    return threads_.Start([this, slot] {
      scoreboard_.Set(slot, slot == scoreboard_.udp_slot() ? RunUdpWorker() : RunWorker(slot));
      scoreboard_.Wake();
    });
  }

  void Interrupt() override {
    threads_.InterruptAll();
    if (udp_worker_ != nullptr) udp_worker_->Stop();
  }
  bool HasRoom() override { return queue_.HasRoom(); }
  void HandOver(Connection client) override { queue_.Push(std::move(client)); }
  void DismissOne() override { queue_.DismissOne(); }
  void DismissAll() override { queue_.Close(); }

 private:
  // Returns how it has ended.
  Scoreboard::State RunWorker(int slot) {
    absl::StatusOr<std::unique_ptr<ClientSource>> source = OpenSource(slot);
    if (!source.ok()) {
      LOG_EVERY_N(ERROR, 10) << "a worker cannot start: " << source.status().message();
      return Scoreboard::State::kCrashed;
    }
    ServerContext own = ContextOfThread(context_, slot);
    ServeClients(**source, scoreboard_, slot, options_, own);
    return Scoreboard::State::kLeft;
  }

  Scoreboard::State RunUdpWorker() {
    const absl::Status status = udp_worker_->Run(context_, shared_listeners_, scoreboard_);
    if (status.ok()) return Scoreboard::State::kLeft;
    LOG_EVERY_N(ERROR, 10) << "the worker for datagrams has failed: " << status.message();
    return Scoreboard::State::kCrashed;
  }

  absl::StatusOr<std::unique_ptr<ClientSource>> OpenSource(int slot) {
    if (options_.accept == AcceptPolicy::kPass) return std::make_unique<QueueSource>(queue_);
    return shared_listeners_.Open(slot);
  }

  ServerContext& context_;
  const PoolOptions options_;
  Scoreboard& scoreboard_;
  SharedListeners& shared_listeners_;
  UdpWorker* const udp_worker_;  // Null where nobody sends datagrams.
  ClientQueue queue_;
  ThreadGroup threads_;  // Last, so that its destructor waits for them while the rest is still there.
};

class ThreadpoolBackend : public Backend {
 public:
  explicit ThreadpoolBackend(const PoolOptions& options) : options_(options) {}

  absl::Status Prepare(ServerContext& context) override {
    absl::StatusOr<Scoreboard> scoreboard = Scoreboard::Create(options_.workers_max, TakesDatagrams(context));
    if (!scoreboard.ok()) return scoreboard.status();
    scoreboard_.emplace(*std::move(scoreboard));
    absl::StatusOr<std::unique_ptr<UdpWorker>> udp_worker = UdpWorker::Create(context);
    if (!udp_worker.ok()) return udp_worker.status();
    udp_worker_ = *std::move(udp_worker);
    absl::StatusOr<std::unique_ptr<SharedListeners>> shared_listeners =
        SharedListeners::Create(context, options_, options_.accept == AcceptPolicy::kLock ? MakeThreadLock() : nullptr);
    if (!shared_listeners.ok()) return shared_listeners.status();
    shared_listeners_ = *std::move(shared_listeners);
    return TryWorkers(context);
  }

  absl::Status Serve(ServerContext& context) override {
    Threads workers(context, options_, *scoreboard_, *shared_listeners_, udp_worker_.get());
    Pool(context, options_, *scoreboard_, *shared_listeners_, workers).Run();
    return absl::OkStatus();
  }

 private:
  // Threads take what they need from what the process has: whether there is enough, and what one of them opens.
  absl::Status TryWorkers(ServerContext& context) {
    absl::Status status = ThreadGroup().Start([] {});
    if (status.ok() && udp_worker_ != nullptr) status = udp_worker_->Try(context, *shared_listeners_, *scoreboard_);
    if (!status.ok() || options_.accept == AcceptPolicy::kPass) return status;
    status = shared_listeners_->Open(0).status();
    if (!status.ok()) return status;
    return CheckDescriptorsAreLeft(options_.workers * kDescriptorsOfWorker, "threads that wait for clients");
  }

  const PoolOptions options_;
  std::optional<Scoreboard> scoreboard_;
  std::unique_ptr<UdpWorker> udp_worker_;
  std::unique_ptr<SharedListeners> shared_listeners_;
};

absl::StatusOr<std::unique_ptr<Backend>> MakeThreadpoolBackend() {
  const absl::StatusOr<PoolOptions> options = PoolOptionsFromFlags();
  if (!options.ok()) return options.status();
  return std::make_unique<ThreadpoolBackend>(*options);
}

// With listeners of its own for each worker, the kernel gives a client to one of them, whether that has time or not.
void AdjustTraits(Traits& can) {
  const absl::StatusOr<PoolOptions> options = PoolOptionsFromFlags();
  if (!options.ok() || options->accept != AcceptPolicy::kReusePort) return;
  can.keeps_clients_apart = false;
  can.computes_apart = false;
}

const RegisterModel kRow({.name = "threadpool",
                          .description = "a thread of a pool",
                          .lesson = 60,
                          .can = {.pooled = true, .computes_apart = true, .serves_elsewhere = true},
                          .flags = "workers accept workers_min workers_max max_requests_per_worker pin_cpus",
                          .adjust = &AdjustTraits,
                          .make = &MakeThreadpoolBackend});

}  // namespace

}  // namespace polyserve
