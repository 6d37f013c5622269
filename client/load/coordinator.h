// The coordinator of a run over several hosts: has agents execute their shares of a plan, and adds up what they have
// measured.
//
//   connect to all ──▶ order ──▶ all are ready ──▶ start to all ──▶ tallies of all ──▶ MergeTallies() ──▶ LoadTally
//                                                     └─ one is gone, late, or has not done its share: an error
//
// The agents begin at the same moment up to the time that a message takes, whatever their clocks say; a warm-up that is
// longer than that hides the rest. The one thread here waits for all of them at a time, so that the loss of one ends
// the run of all.
#ifndef POLYSERVE_CLIENT_LOAD_COORDINATOR_H_
#define POLYSERVE_CLIENT_LOAD_COORDINATOR_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/load/agent_link.h"
#include "client/load/agent_order.h"
#include "client/load/plan.h"
#include "client/load/tally.h"

namespace polyserve {

// Executes the plan, which MakePlan() has made for so many agents, and completes it, as Workload::prepare() does for a
// single host; blocks for the whole run. `order` is for all of them; its number of agents, and whose it is, is set
// here. `on_ready` is called when all agents are ready, before any starts; its error ends the run, and is returned as
// it is. plan.on_counting is called when the last agent begins to count, and when the first one ends. Call in the main
// thread, while there is no other one.
//
// There is a tally only if every agent has done its share, or if the user has interrupted the run after its start
// (plan.interrupted). Errors:
//   InvalidArgument     an agent says that the flags make no sense
//   Cancelled           interrupted before the start
//   FailedPrecondition  all others: an agent cannot be reached, is busy, gone, or too slow. The text names it.
absl::StatusOr<LoadTally> RunOnAgents(const std::vector<std::string>& agents, const AgentLink::Access& access,
                                      AgentOrder order, LoadPlan& plan, absl::FunctionRef<absl::Status()> on_ready);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_COORDINATOR_H_
