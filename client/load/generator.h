// The engine of the load generator: executes a plan with the threads that it asks for, and adds up their tallies.
//
//   LoadPlan ──▶ shares ──▶ make_thread, Connect() each ──▶ threads: Run() ──▶ sum of the tallies, inspect()
//                                                             ▲                                  ──▶ LoadTally
//                                                             └─── the next slice, on the same connections
//
// All connections exist before the first request is sent, and all threads have the same `start`: the load begins at its
// full size.
#ifndef POLYSERVE_CLIENT_LOAD_GENERATOR_H_
#define POLYSERVE_CLIENT_LOAD_GENERATOR_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/load/plan.h"
#include "client/load/tally.h"

namespace polyserve {

class LoadThread;

// A plan whose connections are made, and that can be executed again and again on them, a slice at a time. Between two
// slices no request is under way, and it costs no processor time.
class ConnectedLoad {
 public:
  // Makes all connections of the plan and of those in plan.beside; blocks. Returns Unavailable if not all connections
  // could be made, Cancelled if it was interrupted before that. REQUIRES: in each plan, threads <= connections.
  static absl::StatusOr<ConnectedLoad> Connect(const LoadPlan& plan);

  ConnectedLoad(ConnectedLoad&&) noexcept;
  ConnectedLoad& operator=(ConnectedLoad&&) noexcept;
  ~ConnectedLoad();

  // Executes the plan once, with this duration, and at this rate (of all threads together; nothing: closed loop).
  // Blocks for the plan's warm_up, the duration, and up to its patience. Failures are in the tally.
  LoadTally Run(absl::Duration duration, std::optional<double> rate);

 private:
  // A plan, and a thread's work for each of its shares.
  struct Part {
    LoadPlan plan;
    std::vector<std::unique_ptr<LoadThread>> crew;
  };

  ConnectedLoad();

  std::vector<Part> parts_;  // The plan itself, then those beside it.
};

// Executes the plan, together with those in plan.beside. Blocks for the whole run: warm_up, duration, and up to
// patience. Returns Unavailable if not all connections could be made, Cancelled if the run was interrupted before that;
// every later failure is in the tally. REQUIRES: in each plan, threads <= connections.
absl::StatusOr<LoadTally> RunLoad(const LoadPlan& plan);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_GENERATOR_H_
