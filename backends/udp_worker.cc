#include "backends/udp_worker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

#include "backends/event_client.h"
#include "backends/event_loop.h"
#include "backends/serving_loop.h"
#include "base/sys_error.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<UdpWorker>> UdpWorker::Create(const ServeContext& context) {
  if (!TakesDatagrams(context)) return nullptr;
  UniqueFd stop(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!stop.ok()) return SysError("eventfd");
  return std::unique_ptr<UdpWorker>(new UdpWorker(std::move(stop)));
}

absl::Status UdpWorker::Run(ServeContext& server, const Entrance& entrance, PoolBoard& board) {
  const int slot = board.udp_slot();
  absl::StatusOr<std::vector<Listener>> listeners = entrance.CopyDatagramListeners();
  if (!listeners.ok()) return listeners.status();
  ServeContext context = ContextOfWorker(server, slot, *std::move(listeners));
  const LoopPost post = {stop_.get(), nullptr, false, [&board, slot] {
                           board.Set(slot, PoolBoard::State::kLeaving);
                           board.Wake();
                         }};
  // Nobody connects to these listeners.
  const StartClient start = [](Connection, EventShared&) {};
  absl::StatusOr<std::unique_ptr<ServingLoop>> loop = EventLoop::Create(context, &post, {.method = "epoll"}, start);
  return loop.ok() ? (*loop)->Run() : loop.status();
}

void UdpWorker::Stop() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof(one));
}

}  // namespace polyserve
