// ServeContext: all that a backend is given. It says what to serve, never how.
#ifndef POLYSERVE_BACKENDS_SERVE_CONTEXT_H_
#define POLYSERVE_BACKENDS_SERVE_CONTEXT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "backends/turnstile.h"
#include "base/unique_fd.h"
#include "net/statistics.h"
#include "protocol/session.h"

namespace polyserve {

// A socket that clients connect to, and what they get there.
struct Listener {
  std::string service;  // For logs.
  UniqueFd fd;          // Non-blocking. Empty in a program image that was started to serve one connection.
  SessionFactory make_session;
};

// A client that was accepted.
struct Connection {
  UniqueFd fd;
  const Listener* listener;
};

struct ServeContext {
  std::vector<Listener> listeners;
  // A connection on which nothing moves for so long is closed; may be infinite.
  absl::Duration idle_timeout;
  Statistics statistics;
  std::shared_ptr<Turnstile> turnstile = nullptr;  // Null: there may be any number of connections.
};

// The same, with other listeners, for a worker that has listeners of its own, and counts for itself.
ServeContext ContextOfWorker(const ServeContext& server, int slot, std::vector<Listener> listeners);

// Carries out what signals asked for and every model answers alike: a report, a reload. Takes a set of Signals::Event.
void AnswerCommonSignals(unsigned events, const ServeContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_SERVE_CONTEXT_H_
