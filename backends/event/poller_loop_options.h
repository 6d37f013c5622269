// PollerLoopOptions: in what one event loop differs from another. Apart from the loop itself (poller_loop.h), so that a
// model's file sees no more of it than it says.
//
//   a model's file ──make_poller, max_descriptor──▶ MakeEventBackend() ──and the flags──▶ PollerLoop, one or several
#ifndef POLYSERVE_BACKENDS_EVENT_POLLER_LOOP_OPTIONS_H_
#define POLYSERVE_BACKENDS_EVENT_POLLER_LOOP_OPTIONS_H_

#include <climits>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "backends/connection/fairness.h"
#include "backends/connection/offload_options.h"
#include "backends/overload/overload_options.h"
#include "backends/poller/poller.h"

namespace polyserve {

struct Connection;
struct EventShared;

// Makes the poller of one loop. Each loop calls it in its own thread, so it must be safe to call in several.
// InvalidArgument: it has no such trigger. Other errors: it does not work on this system, or the process has no
// descriptors left.
using MakePoller = std::function<absl::StatusOr<std::unique_ptr<Poller>>(Trigger)>;

// A value, copied into each loop of a server.
struct PollerLoopOptions {
  // What a model says of its loop.
  MakePoller make_poller;        // Called once to check that it works, and once for each loop, in its thread.
  int max_descriptor = INT_MAX;  // The largest that the poller can watch. Connections with larger ones are refused.

  // Whether one more client may be accepted now; null: always. If not, the loop leaves clients in the kernel's queue,
  // and asks again after kShortagePause (net/shortage.h). Called in the loop's thread; must not block.
  std::function<bool()> admits = nullptr;

  // What the flags say; MakeEventBackend() fills it in.
  Trigger trigger = Trigger::kLevel;
  int accepts_per_turn = kAcceptsPerTurn;  // From one listener, before the other clients' turn.
  OffloadOptions offload = {};
  // Of requests that wait for the loop. Those that wait for helpers have an order of their own (OffloadOptions).
  OverloadOptions overload = {};
};

// Starts serving a client that was accepted and counted; the connection is non-blocking. It creates an EventClient,
// which joins the loop, owns itself from then on, and counts the end; otherwise the connection is closed. Called in the
// loop's thread; must not block, since all other clients wait meanwhile.
using StartClient = std::function<void(Connection connection, EventShared& shared)>;

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_POLLER_LOOP_OPTIONS_H_
