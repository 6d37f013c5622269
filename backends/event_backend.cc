#include "backends/event_backend.h"

#include <gflags/gflags.h>

#include <utility>

#include "absl/strings/str_cat.h"

DEFINE_string(trigger, "level",
              "epoll, libevent: level (a ready socket is told again and again) or edge (once, as it becomes ready)");

namespace polyserve {

namespace {

class EventBackend : public Backend {
 public:
  explicit EventBackend(const EventDriverOptions& options) : options_(options) {}

  absl::Status Prepare(ServeContext& context) override {
    absl::StatusOr<std::unique_ptr<EventDriver>> driver = EventDriver::Create(context, options_);
    if (driver.ok()) driver_ = *std::move(driver);
    return driver.status();
  }
  absl::Status Serve(ServeContext&) override { return driver_->Run(); }

 private:
  const EventDriverOptions options_;
  std::unique_ptr<EventDriver> driver_;
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
