#include "backends/uring/uring_driver.h"

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "backends/accept/acceptor.h"
#include "backends/connection/offload.h"
#include "backends/uring/ring.h"
#include "backends/uring/uring_loop.h"
#include "net/process.h"
#include "net/wake_list.h"

namespace polyserve {

// The whole ring, with its buffers: what the kernel lacks or forbids shows in one of these steps. A thread of the
// kernel's ends a moment after its ring, and a server that forks must not have it (Fork()).
absl::Status CheckUring(const UringOptions& options) {
  const auto check = [&options] { return UringRing::Create(options).status(); };
  return options.is_polled() ? TryInChild(check) : check();
}

// All that may fail is made here; the constructor of the loop cannot. Peers with ports of their own come last, since
// they need the loop's timers.
absl::StatusOr<std::unique_ptr<EventLoop>> MakeUringLoop(ServerContext& context, const WorkerRole* role,
                                                         const UringOptions& options,
                                                         const OffloadOptions& offload_options) {
  absl::StatusOr<std::unique_ptr<Acceptor>> acceptor =
      Acceptor::Create(context, {.non_blocking = true, .udp = AcceptUdp::kOwnPorts});
  if (!acceptor.ok()) return acceptor.status();
  UringOptions own = options;
  own.stamps_arrivals = context.request_times.every() > 0 && !options.bundles;
  absl::StatusOr<std::unique_ptr<UringRing>> ring = UringRing::Create(own);
  if (!ring.ok()) return ring.status();
  absl::StatusOr<std::unique_ptr<WakeList>> wakes = WakeList::Create();
  if (!wakes.ok()) return wakes.status();
  // After the wake list, through which helpers wake the loop.
  absl::StatusOr<std::unique_ptr<Offload>> offload = Offload::Create(offload_options, **wakes, context.statistics);
  if (!offload.ok()) return offload.status();
  auto loop = std::make_unique<UringLoop>(context, role, *std::move(acceptor), *std::move(ring), *std::move(wakes),
                                          *std::move(offload));
  if (absl::Status status = loop->OpenPeers(); !status.ok()) return status;
  return loop;
}

}  // namespace polyserve
