// Backend: one concurrency model. Decides which thread or process serves each client, and knows nothing of the
// protocol.
//
//   Make...Backend() ─▶ Prepare() ─▶ the server says that it is ready ─▶ Serve() ─▶ destroyed
//
// A model derives from it in its own file, and registers itself (registry.h). tests/added_model/added.cc is the
// shortest; docs/adding.md goes through it.
#ifndef POLYSERVE_BACKENDS_BACKEND_H_
#define POLYSERVE_BACKENDS_BACKEND_H_

#include "absl/status/status.h"

namespace polyserve {

struct ServerContext;

class Backend {
 public:
  virtual ~Backend() = default;

  // Acquires what serving needs (an event loop, pipes, helper processes), so that the server says that it is ready only
  // when nothing can fail any more. Called once, with the listeners bound, from the thread that will call Serve(). The
  // context outlives the backend. An error ends the server, which prints it: say what to do about it. Not called in a
  // program image that was started for one connection.
  virtual absl::Status Prepare(ServerContext&) { return absl::OkStatus(); }

  // Accepts and serves clients until Signals::stopping(), then lets running requests finish, and returns OK when the
  // last client has left. Blocks. Called once, after Prepare(), from the main thread. A model that forks is called
  // while the process has no other thread.
  //   Errors  only what makes serving impossible. An error of one client ends that client; a shortage is waited out
  //           (net/shortage.h).
  //   A forked child never returns from here; see net/process.h.
  virtual absl::Status Serve(ServerContext& context) = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_BACKEND_H_
