#include "backends/poller/failed_wait.h"

#include <cerrno>

#include "base/logging.h"
#include "base/sys_error.h"
#include "net/shortage.h"

namespace polyserve {

// select(2) and poll(2) copy what they are handed into memory of the kernel. The clients wait meanwhile, as with any
// shortage.
absl::Status StatusOfFailedWait(absl::string_view call) {
  if (errno == EINTR) return absl::OkStatus();
  const bool is_shortage = errno == ENOMEM;
  const absl::Status status = SysError(call);
  if (!is_shortage) return status;
  LOG_EVERY_T(WARNING, kSecondsBetweenShortageLogs)
      << "cannot wait for clients: " << status.message() << "; trying again every " << kShortagePause;
  PauseForShortage();
  return absl::OkStatus();
}

}  // namespace polyserve
