// poll: one thread, which hands the kernel a list of descriptors, and gets the ready ones marked in it (poll(2)).
// Cost: nothing per idle client, but each call copies and scans the whole list. Weak spot: many idle clients; long work
// for one client stalls all.
#include "backends/event_backend.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<Backend>> MakePollBackend() { return MakeEventBackend({.method = "poll"}); }

}  // namespace polyserve
