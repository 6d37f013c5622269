// NoClient(): the status of an attempt to accept that finds no client (Unavailable). Each loop makes such an attempt
// behind its last client, so the status is made once: its text would cost two allocations each time.
#ifndef POLYSERVE_BACKENDS_ACCEPT_NO_CLIENT_H_
#define POLYSERVE_BACKENDS_ACCEPT_NO_CLIENT_H_

#include "absl/status/status.h"

namespace polyserve {

// Any thread. Never destroyed: threads may still accept while the process exits.
inline const absl::Status& NoClient() {
  static const absl::Status* const status = new absl::Status(absl::UnavailableError("no client is waiting"));
  return *status;
}

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_NO_CLIENT_H_
