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

absl::StatusOr<std::unique_ptr<UdpWorker::Opened>> UdpWorker::Open(ServeContext& server, const Entrance& entrance,
                                                                   PoolBoard& board) {
  const int slot = board.udp_slot();
  absl::StatusOr<std::vector<Listener>> listeners = entrance.CopyDatagramListeners();
  if (!listeners.ok()) return listeners.status();
  std::unique_ptr<Opened> opened(new Opened{ContextOfWorker(server, slot, *std::move(listeners)),
                                            {stop_.get(), nullptr, false,
                                             [&board, slot] {
                                               board.Set(slot, PoolBoard::State::kLeaving);
                                               board.Wake();
                                             }},
                                            nullptr});
  // Nobody connects to these listeners.
  const StartClient start = [](Connection, EventShared&) {};
  absl::StatusOr<std::unique_ptr<ServingLoop>> loop =
      EventLoop::Create(opened->context, &opened->post, {.method = "epoll"}, start);
  if (!loop.ok()) return loop.status();
  opened->loop = *std::move(loop);
  return opened;
}

absl::Status UdpWorker::Run(ServeContext& server, const Entrance& entrance, PoolBoard& board) {
  const absl::StatusOr<std::unique_ptr<Opened>> opened = Open(server, entrance, board);
  return opened.ok() ? (*opened)->loop->Run() : opened.status();
}

absl::Status UdpWorker::Try(ServeContext& server, const Entrance& entrance, PoolBoard& board) {
  return Open(server, entrance, board).status();
}

void UdpWorker::Stop() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof(one));
}

}  // namespace polyserve
