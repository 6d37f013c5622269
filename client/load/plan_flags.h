// The flags that define a run of the load generator, and the plan that they make:
//
//   WorkloadByFlags() ──▶ MakePlan() ──▶ SetServer() ──▶ PreparePlan() ──▶ RunLoad()
//
// Errors of all functions are for the user: InvalidArgument or NotFound if the flags make no sense, Unavailable if the
// server does not answer. Call them in main()'s thread.
#ifndef POLYSERVE_CLIENT_LOAD_PLAN_FLAGS_H_
#define POLYSERVE_CLIENT_LOAD_PLAN_FLAGS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/load/plan.h"
#include "client/load/workloads.h"

namespace polyserve {

// That of --workload. Static storage.
absl::StatusOr<const Workload*> WorkloadByFlags();

// The plan without its server and its requests, as agent number `agent` of `agents`. Sends nothing.
absl::StatusOr<LoadPlan> MakePlan(const Workload& workload, int agents = 1, int agent = 0);

// Adds the server. May block: a name with several addresses stands for the first one that answers.
absl::Status SetServer(const Workload& workload, LoadPlan& plan);

// Adds the requests. May ask the server once, and block for that.
absl::Status PreparePlan(const Workload& workload, LoadPlan& plan);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_PLAN_FLAGS_H_
