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
#include "base/logging.h"
#include "net/thread_group.h"

namespace polyserve {

namespace {

class QueueSource : public ClientSource {
 public:
  explicit QueueSource(ClientQueue& queue) : queue_(queue) {}
  absl::StatusOr<Connection> Next() override { return queue_.Pop(); }

 private:
  ClientQueue& queue_;
};

class Threads : public Crew {
 public:
  Threads(ServeContext& context, const PoolOptions& options, PoolBoard& board, Entrance& entrance)
      : context_(context), options_(options), board_(board), entrance_(entrance), queue_([&board] { board.Wake(); }) {}

  absl::Status Start(int slot) override {
    return threads_.Start([this, slot] {
      board_.Set(slot, RunWorker(slot));
      board_.Wake();
    });
  }

  void Interrupt() override { threads_.InterruptAll(); }
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
    ServeClients(**source, board_, slot, options_, context_);
    return PoolBoard::State::kLeft;
  }

  absl::StatusOr<std::unique_ptr<ClientSource>> OpenSource(int slot) {
    if (options_.accept == AcceptPolicy::kPass) return std::make_unique<QueueSource>(queue_);
    return entrance_.Open(slot);
  }

  ServeContext& context_;
  const PoolOptions options_;
  PoolBoard& board_;
  Entrance& entrance_;
  ClientQueue queue_;
  ThreadGroup threads_;  // Last, so that its destructor waits for them while the rest is still there.
};

class ThreadpoolBackend : public Backend {
 public:
  explicit ThreadpoolBackend(const PoolOptions& options) : options_(options) {}

  absl::Status Prepare(ServeContext& context) override {
    absl::StatusOr<PoolBoard> board = PoolBoard::Create(options_.workers_max);
    if (!board.ok()) return board.status();
    board_.emplace(*std::move(board));
    absl::StatusOr<std::unique_ptr<Entrance>> entrance =
        Entrance::Create(context, options_, options_.accept == AcceptPolicy::kLock ? MakeThreadLock() : nullptr);
    if (entrance.ok()) entrance_ = *std::move(entrance);
    return entrance.status();
  }

  absl::Status Serve(ServeContext& context) override {
    Threads crew(context, options_, *board_, *entrance_);
    Pool(context, options_, *board_, *entrance_, crew).Run();
    return absl::OkStatus();
  }

 private:
  const PoolOptions options_;
  std::optional<PoolBoard> board_;
  std::unique_ptr<Entrance> entrance_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeThreadpoolBackend() {
  const absl::StatusOr<PoolOptions> options = PoolOptionsFromFlags();
  if (!options.ok()) return options.status();
  return std::make_unique<ThreadpoolBackend>(*options);
}

}  // namespace polyserve
