#include "backends/event_backend.h"

#include <gflags/gflags.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/event_connection.h"

DEFINE_string(trigger, "level",
              "epoll, libevent: level (a ready socket is told again and again) or edge (once, as it becomes ready)");

namespace polyserve {

namespace {

class EventBackend : public Backend {
 public:
  EventBackend(const EventLoopOptions& options, StartClient start) : options_(options), start_(start) {}

  absl::Status Prepare(ServeContext& context) override {
    absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(context, options_, start_);
    if (loop.ok()) loop_ = *std::move(loop);
    return loop.status();
  }
  absl::Status Serve(ServeContext&) override { return loop_->Run(); }

 private:
  const EventLoopOptions options_;
  const StartClient start_;
  std::unique_ptr<EventLoop> loop_;
};

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
  return std::make_unique<EventBackend>(options, start);
}

}  // namespace polyserve
