// Backend: one concurrency model. It decides who runs a client's conversation; what is said in it is no concern of its.
#ifndef POLYSERVE_BACKENDS_BACKEND_H_
#define POLYSERVE_BACKENDS_BACKEND_H_

#include "absl/status/status.h"
#include "backends/serve_context.h"

namespace polyserve {

class Backend {
 public:
  virtual ~Backend() = default;

  // Accepts and serves clients until Signals::stopping(), then lets running requests finish, and returns OK when the
  // last client has left. Called once, from the main thread, while the process has no other.
  //   Errors  only what makes serving impossible (no epoll, no memory for the loop). What befalls one client ends
  //           that client; a shortage is waited out.
  //   A forked child never returns from here; see net/process.h.
  virtual absl::Status Serve(ServeContext& context) = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_BACKEND_H_
