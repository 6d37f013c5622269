#include "backends/event_backend.h"

#include <gflags/gflags.h>

#include "absl/strings/str_cat.h"

DEFINE_string(trigger, "level",
              "epoll, libevent: level (a ready socket is told again and again) or edge (once, as it becomes ready)");

namespace polyserve {

namespace {

class EventBackend : public Backend {
 public:
  explicit EventBackend(const EventDriverOptions& options) : options_(options) {}

  absl::Status Serve(ServeContext& context) override { return DriveEvents(context, options_); }

 private:
  const EventDriverOptions options_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeEventBackend(EventDriverOptions options) {
  if (FLAGS_trigger != "level" && FLAGS_trigger != "edge") {
    return absl::InvalidArgumentError(absl::StrCat("--trigger=", FLAGS_trigger, " is not one of level, edge"));
  }
  options.trigger = FLAGS_trigger == "edge" ? Trigger::kEdge : Trigger::kLevel;
  if (absl::Status status = CheckEventMethod(options); !status.ok()) return status;
  return std::make_unique<EventBackend>(options);
}

}  // namespace polyserve
