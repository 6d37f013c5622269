// select: one thread, which hands the kernel a set of descriptors as bits, and gets the ready ones back (select(2)).
// Cost: nothing per idle client, but each call copies and scans the set up to the highest descriptor.
// Weak spot: the set has 1024 bits (FD_SETSIZE). It is the descriptor's number that counts, not how many there are; a
// connection above it is refused. Long work for one client stalls all.
#include <sys/select.h>

#include "backends/event_backend.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<Backend>> MakeSelectBackend() {
  return MakeEventBackend({.method = "select", .max_descriptor = FD_SETSIZE - 1});
}

}  // namespace polyserve
