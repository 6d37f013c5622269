#include "backends/epoll_flags.h"

#include <gflags/gflags.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backends/poller/epoll_poller.h"
#include "backends/poller/poller.h"
#include "base/command_line.h"

DEFINE_int32(
    busy_poll, 0,
    "epoll, coroutine, fiber: for this many microseconds a wait polls the network cards before it sleeps; 0: never");

namespace polyserve {

namespace {

// A second: a wait that polls for longer hardly ever sleeps.
constexpr int kMaxBusyPoll = 1'000'000;

}  // namespace

absl::StatusOr<MakePoller> EpollFromFlags() {
  if (absl::Status status = CheckFlagRange("busy_poll", FLAGS_busy_poll, 0, kMaxBusyPoll); !status.ok()) return status;
  if (FLAGS_busy_poll == 0) return MakePoller(&EpollPoller::Create);
  return MakePoller([microseconds = FLAGS_busy_poll](Trigger) -> absl::StatusOr<std::unique_ptr<Poller>> {
    absl::StatusOr<std::unique_ptr<Poller>> poller = EpollPoller::CreateBusyPolling(microseconds);
    if (!absl::IsUnimplemented(poller.status())) return poller;
    return absl::UnimplementedError(absl::StrCat(poller.status().message(), "; leave out --busy_poll"));
  });
}

}  // namespace polyserve
