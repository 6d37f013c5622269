// The engine of the load generator: executes a plan with the threads that it asks for, and adds up their tallies.
//
//   LoadPlan ──▶ shares ──▶ make_thread, Connect() each ──▶ threads: Run() ──▶ sum of the tallies, inspect()
//                                                                                      ──▶ LoadTally
//
// All connections exist before the first request is sent, and all threads have the same `start`: the load begins at its
// full size.
#ifndef POLYSERVE_CLIENT_LOAD_GENERATOR_H_
#define POLYSERVE_CLIENT_LOAD_GENERATOR_H_

#include "absl/status/statusor.h"
#include "client/load/plan.h"
#include "client/load/tally.h"

namespace polyserve {

// Executes the plan, together with those in plan.beside. Blocks for the whole run: warm_up, duration, and up to
// patience. Returns Unavailable if not all connections could be made, Cancelled if the run was interrupted before that;
// every later failure is in the tally. REQUIRES: in each plan, threads <= connections.
absl::StatusOr<LoadTally> RunLoad(const LoadPlan& plan);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_GENERATOR_H_
