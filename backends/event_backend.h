// MakeEventBackend: the event driver as a Backend. What is left for a model to say is which method it waits with.
#ifndef POLYSERVE_BACKENDS_EVENT_BACKEND_H_
#define POLYSERVE_BACKENDS_EVENT_BACKEND_H_

#include <memory>

#include "absl/status/statusor.h"
#include "backends/backend.h"
#include "backends/event_driver.h"

namespace polyserve {

// The trigger is taken from --trigger. InvalidArgument: libevent does not have it with this method.
absl::StatusOr<std::unique_ptr<Backend>> MakeEventBackend(EventDriverOptions options);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_BACKEND_H_
