#include "backends/pool/pool_parts.h"

#include <utility>

#include "backends/pool/udp_worker.h"
#include "backends/pool/waiting_room.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<PoolParts>> PoolParts::Create(ServerContext& context, const PoolOptions& options,
                                                             std::unique_ptr<AcceptLock> lock) {
  const bool has_udp_worker = !options.are_loops && TakesDatagrams(context);
  // All of it is made before the first fork: what a worker made later, the others would not have.
  absl::StatusOr<Scoreboard> scoreboard =
      Scoreboard::Create(options.workers_max, has_udp_worker, options.threads_per_worker);
  if (!scoreboard.ok()) return scoreboard.status();
  // UdpWorker::Create() would make one for loops, too.
  absl::StatusOr<std::unique_ptr<UdpWorker>> udp_worker = nullptr;
  if (has_udp_worker) udp_worker = UdpWorker::Create(context);
  if (!udp_worker.ok()) return udp_worker.status();
  absl::StatusOr<std::unique_ptr<SharedListeners>> shared_listeners =
      SharedListeners::Create(context, options, std::move(lock));
  if (!shared_listeners.ok()) return shared_listeners.status();
  absl::StatusOr<std::unique_ptr<WaitingRoom>> waiting_room = nullptr;
  if (options.overload.is_set()) waiting_room = WaitingRoom::Create(context, options.overload, scoreboard->wake_fd());
  if (!waiting_room.ok()) return waiting_room.status();
  return std::unique_ptr<PoolParts>(new PoolParts(context, options, *std::move(scoreboard),
                                                  *std::move(shared_listeners), *std::move(udp_worker),
                                                  *std::move(waiting_room)));
}

PoolParts::PoolParts(ServerContext& context, const PoolOptions& options, Scoreboard scoreboard,
                     std::unique_ptr<SharedListeners> shared_listeners, std::unique_ptr<UdpWorker> udp_worker,
                     std::unique_ptr<WaitingRoom> waiting_room)
    : context(context),
      options(options),
      scoreboard(std::move(scoreboard)),
      shared_listeners(std::move(shared_listeners)),
      udp_worker(std::move(udp_worker)),
      waiting_room(std::move(waiting_room)) {}

// Here, where UdpWorker is complete: pool_parts.h only declares it, so that models need not include an event loop.
PoolParts::~PoolParts() = default;

absl::Status PoolParts::RunUdpWorker() { return udp_worker->Run(context, *shared_listeners, scoreboard); }

absl::Status PoolParts::TryUdpWorker() {
  return udp_worker == nullptr ? absl::OkStatus() : udp_worker->Try(context, *shared_listeners, scoreboard);
}

void PoolParts::StopUdpWorker() {
  if (udp_worker != nullptr) udp_worker->Stop();
}

}  // namespace polyserve
