#include "backends/uring_driver.h"

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "backends/uring_loop.h"
#include "backends/uring_ring.h"
#include "room/wake_list.h"

namespace polyserve {

absl::Status CheckUring() { return UringRing::Create().status(); }

absl::StatusOr<std::unique_ptr<UringDriver>> UringDriver::Create(ServeContext& context) {
  absl::StatusOr<std::unique_ptr<UringRing>> ring = UringRing::Create();
  if (!ring.ok()) return ring.status();
  absl::StatusOr<std::unique_ptr<WakeList>> wakes = WakeList::Create();
  if (!wakes.ok()) return wakes.status();
  return std::make_unique<UringLoop>(context, *std::move(ring), *std::move(wakes));
}

}  // namespace polyserve
