#include "backends/event_backend.h"

#include <gflags/gflags.h>

#include "absl/strings/str_cat.h"
#include "backends/event_connection.h"
#include "backends/loop_backend.h"
#include "backends/offload.h"
#include "backends/serve_context.h"
#include "backends/serving_loop.h"

DEFINE_string(trigger, "level",
              "epoll, libevent: level (a ready socket is told again and again) or edge (once, as it becomes ready)");

namespace polyserve {

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
  EventLoopOptions with_helpers = options;
  with_helpers.offload = *offload;
  return MakeLoopBackend([with_helpers, start](ServeContext& context, const LoopPost* post) {
    return EventLoop::Create(context, post, with_helpers, start);
  });
}

}  // namespace polyserve
