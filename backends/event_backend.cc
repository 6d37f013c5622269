#include "backends/event_backend.h"

#include <gflags/gflags.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "backends/event_connection.h"
#include "backends/loop_backend.h"
#include "backends/offload.h"
#include "backends/pool_options.h"
#include "backends/serve_context.h"
#include "backends/serving_loop.h"
#include "backends/turn.h"
#include "base/command_line.h"

DEFINE_string(trigger, "level",
              "epoll, libevent: level (a ready socket is told again and again) or edge (once, as it becomes ready)");

DEFINE_int32(accept_batch, polyserve::kAcceptsPerTurn,
             "event loops: how many clients a loop takes from a listener before it turns to those that it has");

namespace polyserve {

namespace {

constexpr int kMaxAcceptBatch = 65535;

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

absl::StatusOr<std::unique_ptr<Backend>> MakeEventBackend(EventLoopOptions options) {
  if (FLAGS_trigger != "level" && FLAGS_trigger != "edge") {
    return absl::InvalidArgumentError(absl::StrCat("--trigger=", FLAGS_trigger, " is not one of level, edge"));
  }
  options.trigger = FLAGS_trigger == "edge" ? Trigger::kEdge : Trigger::kLevel;
  return MakeEventBackend(options, &EventConnection::Start);
}

absl::StatusOr<std::unique_ptr<Backend>> MakeEventBackend(const EventLoopOptions& options, StartClient start) {
  if (absl::Status status = EventLoop::Check(options); !status.ok()) return status;
  const absl::StatusOr<Offload::Options> offload = Offload::OptionsFromFlags();
  if (!offload.ok()) return offload.status();
  if (absl::Status status = CheckAcceptBatch(); !status.ok()) return status;
  EventLoopOptions with_flags = options;
  with_flags.offload = *offload;
  with_flags.accepts_per_turn = FLAGS_accept_batch;
  return MakeLoopBackend([with_flags, start](ServeContext& context, const LoopPost* post) {
    return EventLoop::Create(context, post, with_flags, start);
  });
}

}  // namespace polyserve
