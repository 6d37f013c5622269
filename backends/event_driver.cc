#include "backends/event_driver.h"

#include <memory>

#include "absl/status/statusor.h"
#include "backends/event_loop.h"

namespace polyserve {

absl::Status CheckEventMethod(const EventDriverOptions& options) { return EventLoop::MakeBase(options).status(); }

absl::Status DriveEvents(ServeContext& context, const EventDriverOptions& options) {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(context, options);
  if (!loop.ok()) return loop.status();
  return (*loop)->Run();
}

}  // namespace polyserve
