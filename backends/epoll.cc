// epoll: one thread, which tells the kernel once what it is interested in; each wait gets the ready ones alone
// (epoll(7)). Cost: nothing per idle client, neither in memory nor in time. Weak spot: long work for one client stalls
// all.
#include "backends/event_backend.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<Backend>> MakeEpollBackend() { return MakeEventBackend({.method = "epoll"}); }

}  // namespace polyserve
