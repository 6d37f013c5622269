#include "backends/event_backend.h"

#include <gflags/gflags.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "backends/connection/fairness.h"
#include "backends/connection/offload_options.h"
#include "backends/event/event_connection.h"
#include "backends/event/event_loop.h"
#include "backends/event/poller_loop.h"
#include "backends/multi_loop.h"
#include "backends/overload/overload_options.h"
#include "backends/poller/poller.h"
#include "backends/pool/pool_options.h"
#include "base/command_line.h"

DEFINE_string(trigger, "level",
              "=level|edge epoll, libevent: a ready socket is told again and again, or once, as it becomes ready");

DEFINE_int32(accept_batch, polyserve::kAcceptsPerTurn,
             "event loops: how many clients a loop takes from a listener before it turns to those that it has");

namespace polyserve {

namespace {

// As the bound of --listen_backlog (server_config.cc): hardly more clients can wait at a listener.
constexpr int kMaxAcceptBatch = 65535;

// Loops that share their listeners take one client each, so that the others get their share (PollerLoop::OnClients()).
absl::Status CheckAcceptBatch() {
  const absl::StatusOr<LoopOptions> loops = LoopOptionsFromFlags();
  if (!loops.ok()) return loops.status();
  if (IsFlagSet("accept_batch") && !loops->is_one() && loops->pool.accept == AcceptPolicy::kShared) {
    return absl::InvalidArgumentError(
        "--accept_batch means nothing to loops that share their listeners: each takes one client at a time; leave it "
        "out, or use --accept=reuseport");
  }
  return CheckFlagRange("accept_batch", FLAGS_accept_batch, 1, kMaxAcceptBatch);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeEventBackend(PollerLoopOptions options) {
  if (FLAGS_trigger != "level" && FLAGS_trigger != "edge") {
    return absl::InvalidArgumentError(absl::StrCat("--trigger=", FLAGS_trigger, " is not one of level, edge"));
  }
  options.trigger = FLAGS_trigger == "edge" ? Trigger::kEdge : Trigger::kLevel;
  // This driver can live with edges: it reads on until the socket is empty, over several turns if need be.
  return MakeEventBackend(options, &EventConnection::Start);
}

absl::StatusOr<std::unique_ptr<Backend>> MakeEventBackend(const PollerLoopOptions& options, StartClient start) {
  // Makes a poller and drops it again, so that what the system or a library lacks shows now, and not later in a loop's
  // thread.
  if (absl::Status status = PollerLoop::Check(options); !status.ok()) return status;
  const absl::StatusOr<OffloadOptions> offload = OffloadOptionsFromFlags();
  if (!offload.ok()) return offload.status();
  if (absl::Status status = CheckAcceptBatch(); !status.ok()) return status;
  // Everything is checked now, once, so that a loop which is started later, to replace another, meets no bad flag.
  const absl::StatusOr<OverloadOptions> overload = OverloadOptionsFromFlags();
  if (!overload.ok()) return overload.status();
  if (overload->is_set() && offload->helpers > 0) {
    return absl::InvalidArgumentError(
        "--overload is about requests that wait for the loop, and with --offload they wait for helpers: leave one out, "
        "or use --model=halfsync");
  }
  PollerLoopOptions with_flags = options;
  with_flags.offload = *offload;
  with_flags.overload = *overload;
  with_flags.accepts_per_turn = FLAGS_accept_batch;
  // Captured by value: the function is kept, and called for each loop and each replacement.
  return MakeMultiLoopBackend([with_flags, start = std::move(start)](ServerContext& context, const WorkerRole* role) {
    return PollerLoop::Create(context, role, with_flags, start);
  });
}

}  // namespace polyserve
