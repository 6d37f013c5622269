#include "backends/event_driver.h"

#include <memory>

#include "absl/status/statusor.h"
#include "backends/event_loop.h"

namespace polyserve {

absl::Status CheckEventMethod(const EventDriverOptions& options) { return EventLoop::MakeBase(options).status(); }

absl::StatusOr<std::unique_ptr<EventDriver>> EventDriver::Create(ServeContext& context,
                                                                 const EventDriverOptions& options) {
  return EventLoop::Create(context, options);
}

}  // namespace polyserve
