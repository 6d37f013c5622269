// What a poller makes of a wait that has failed.
#ifndef POLYSERVE_BACKENDS_POLLER_FAILED_WAIT_H_
#define POLYSERVE_BACKENDS_POLLER_FAILED_WAIT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// By errno, right behind the call of this name. Ok if the next wait may succeed: a signal has ended this one (EINTR),
// or the kernel had no memory for it (ENOMEM), after a pause. Any thread.
absl::Status StatusOfFailedWait(absl::string_view call);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POLLER_FAILED_WAIT_H_
