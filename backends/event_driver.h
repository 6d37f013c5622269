// The event driver: one thread serves all clients, and waits for all of them at once. It is made of libevent's plain
// events; the models select, poll, epoll and libevent are this driver with one or the other of libevent's methods.
#ifndef POLYSERVE_BACKENDS_EVENT_DRIVER_H_
#define POLYSERVE_BACKENDS_EVENT_DRIVER_H_

#include <climits>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/serve_context.h"

namespace polyserve {

enum class Trigger {
  kLevel,  // Readiness is told as long as it lasts.
  kEdge,   // Readiness is told once, when it begins: the reader has to go on until the socket is empty.
};

struct EventDriverOptions {
  const char* method = nullptr;  // libevent's name for it; null: libevent's own choice.
  Trigger trigger = Trigger::kLevel;
  int max_descriptor = INT_MAX;  // Connections with larger ones are refused.
};

// Whether libevent has the method and the trigger on this system; where not, what to do.
absl::Status CheckEventMethod(const EventDriverOptions& options);

class EventDriver {
 public:
  virtual ~EventDriver() = default;

  // Watches the listeners, but does not serve yet. The context must outlive it. Fails where CheckEventMethod() does, or
  // for want of descriptors or memory.
  static absl::StatusOr<std::unique_ptr<EventDriver>> Create(ServeContext& context, const EventDriverOptions& options);

  // Serves until told to stop; see Backend::Serve(). Called once.
  virtual absl::Status Run() = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_DRIVER_H_
