#include "backends/uring_driver.h"

#include <memory>

#include "absl/status/statusor.h"
#include "backends/uring_loop.h"
#include "backends/uring_ring.h"

namespace polyserve {

absl::Status CheckUring() { return UringRing::Create().status(); }

absl::Status DriveUring(ServeContext& context) {
  const absl::StatusOr<std::unique_ptr<UringRing>> ring = UringRing::Create();
  if (!ring.ok()) return ring.status();
  return UringLoop(context, **ring).Run();
}

}  // namespace polyserve
