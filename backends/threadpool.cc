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

#include "backends/accept_lock.h"
#include "backends/backend.h"
#include "backends/client_queue.h"
#include "backends/client_source.h"
#include "backends/entrance.h"
#include "backends/pool.h"
#include "backends/pool_board.h"
#include "backends/pool_options.h"
#include "backends/serve_context.h"
#include "backends/udp_worker.h"
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

class Threads : public Crew {
 public:
  Threads(ServeContext& context, const PoolOptions& options, PoolBoard& board, Entrance& entrance,
          UdpWorker* udp_worker)
      : context_(context),
        options_(options),
        board_(board),
        entrance_(entrance),
        udp_worker_(udp_worker),
        queue_([&board] { board.Wake(); }) {}

  absl::Status Start(int slot) override {
    return threads_.Start([this, slot] {
      board_.Set(slot, slot == board_.udp_slot() ? RunUdpWorker() : RunWorker(slot));
      board_.Wake();
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
  PoolBoard::State RunWorker(int slot) {
    absl::StatusOr<std::unique_ptr<ClientSource>> source = OpenSource(slot);
    if (!source.ok()) {
      LOG_EVERY_N(ERROR, 10) << "a worker cannot start: " << source.status().message();
      return PoolBoard::State::kCrashed;
    }
    ServeContext own = ContextOfThread(context_, slot);
    ServeClients(**source, board_, slot, options_, own);
    return PoolBoard::State::kLeft;
  }

  PoolBoard::State RunUdpWorker() {
    const absl::Status status = udp_worker_->Run(context_, entrance_, board_);
    if (status.ok()) return PoolBoard::State::kLeft;
    LOG_EVERY_N(ERROR, 10) << "the worker for datagrams has failed: " << status.message();
    return PoolBoard::State::kCrashed;
  }

  absl::StatusOr<std::unique_ptr<ClientSource>> OpenSource(int slot) {
    if (options_.accept == AcceptPolicy::kPass) return std::make_unique<QueueSource>(queue_);
    return entrance_.Open(slot);
  }

  ServeContext& context_;
  const PoolOptions options_;
  PoolBoard& board_;
  Entrance& entrance_;
  UdpWorker* const udp_worker_;  // Null where nobody sends datagrams.
  ClientQueue queue_;
  ThreadGroup threads_;  // Last, so that its destructor waits for them while the rest is still there.
};

class ThreadpoolBackend : public Backend {
 public:
  explicit ThreadpoolBackend(const PoolOptions& options) : options_(options) {}

  absl::Status Prepare(ServeContext& context) override {
    absl::StatusOr<PoolBoard> board = PoolBoard::Create(options_.workers_max, TakesDatagrams(context));
    if (!board.ok()) return board.status();
    board_.emplace(*std::move(board));
    absl::StatusOr<std::unique_ptr<UdpWorker>> udp_worker = UdpWorker::Create(context);
    if (!udp_worker.ok()) return udp_worker.status();
    udp_worker_ = *std::move(udp_worker);
    absl::StatusOr<std::unique_ptr<Entrance>> entrance =
        Entrance::Create(context, options_, options_.accept == AcceptPolicy::kLock ? MakeThreadLock() : nullptr);
    if (!entrance.ok()) return entrance.status();
    entrance_ = *std::move(entrance);
    return TryWorkers(context);
  }

  absl::Status Serve(ServeContext& context) override {
    Threads crew(context, options_, *board_, *entrance_, udp_worker_.get());
    Pool(context, options_, *board_, *entrance_, crew).Run();
    return absl::OkStatus();
  }

 private:
  // Threads take what they need from what the process has: whether there is enough, and what one of them opens.
  absl::Status TryWorkers(ServeContext& context) {
    absl::Status status = ThreadGroup().Start([] {});
    if (status.ok() && udp_worker_ != nullptr) status = udp_worker_->Try(context, *entrance_, *board_);
    if (!status.ok() || options_.accept == AcceptPolicy::kPass) return status;
    status = entrance_->Open(0).status();
    if (!status.ok()) return status;
    return CheckDescriptorsAreLeft(options_.workers * kDescriptorsOfWorker, "threads that wait for clients");
  }

  const PoolOptions options_;
  std::optional<PoolBoard> board_;
  std::unique_ptr<UdpWorker> udp_worker_;
  std::unique_ptr<Entrance> entrance_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeThreadpoolBackend() {
  const absl::StatusOr<PoolOptions> options = PoolOptionsFromFlags();
  if (!options.ok()) return options.status();
  return std::make_unique<ThreadpoolBackend>(*options);
}

}  // namespace polyserve
