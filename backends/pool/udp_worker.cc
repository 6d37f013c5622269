#include "backends/pool/udp_worker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

#include "backends/event/event_client.h"
#include "backends/event/event_loop.h"
#include "backends/event/poller_loop.h"
#include "backends/poller/epoll_poller.h"
#include "base/sys_error.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<UdpWorker>> UdpWorker::Create(const ServerContext& context) {
  if (!TakesDatagrams(context)) return nullptr;
  // Made before the first fork, so that one write reaches the worker in whatever process it runs.
  UniqueFd stop(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!stop.ok()) return SysError("eventfd");
  return std::unique_ptr<UdpWorker>(new UdpWorker(std::move(stop)));
}

absl::StatusOr<std::unique_ptr<UdpWorker::Opened>> UdpWorker::Open(ServerContext& server,
                                                                   const SharedListeners& shared_listeners,
                                                                   Scoreboard& scoreboard) {
  // The row behind the workers' own: Statistics reserves one for it.
  const int slot = scoreboard.udp_slot();
  absl::StatusOr<std::vector<Listener>> listeners = shared_listeners.CopyDatagramListeners();
  if (!listeners.ok()) return listeners.status();
  // The role of one of several loops, since the pool answers the signals. No other loop has these listeners. When it is
  // drained, the pool closes the listeners as well (Pool::CloseDrainedUdp()).
  std::unique_ptr<Opened> opened(new Opened{ContextOfWorker(server, slot, *std::move(listeners)),
                                            {stop_.get(), nullptr, false, false,
                                             [&scoreboard, slot] {
                                               scoreboard.Set(slot, Scoreboard::State::kLeaving);
                                               scoreboard.Wake();
                                             }},
                                            nullptr});
  // Never called: these listeners take datagrams only.
  const StartClient start = [](Connection, EventShared&) {};
  absl::StatusOr<std::unique_ptr<EventLoop>> loop =
      PollerLoop::Create(opened->context, &opened->role, {.make_poller = &EpollPoller::Create}, start);
  if (!loop.ok()) return loop.status();
  opened->loop = *std::move(loop);
  return opened;
}

absl::Status UdpWorker::Run(ServerContext& server, const SharedListeners& shared_listeners, Scoreboard& scoreboard) {
  const absl::StatusOr<std::unique_ptr<Opened>> opened = Open(server, shared_listeners, scoreboard);
  return opened.ok() ? (*opened)->loop->Run() : opened.status();
}

absl::Status UdpWorker::Try(ServerContext& server, const SharedListeners& shared_listeners, Scoreboard& scoreboard) {
  return Open(server, shared_listeners, scoreboard).status();
}

// Repeated writes only raise the counter. No worker reads it, so a worker that starts later stops as well.
void UdpWorker::Stop() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof(one));
}

}  // namespace polyserve
