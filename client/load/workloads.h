// The workloads: what the load generator asks of a server, and what the right answer is. One table for --workload and
// the help; docs/load.md describes how to add a row.
//
//   Workload::prepare(options, plan) ──▶ plan.make_exchange or plan.make_thread ──▶ RunLoad(plan)
#ifndef POLYSERVE_CLIENT_LOAD_WORKLOADS_H_
#define POLYSERVE_CLIENT_LOAD_WORKLOADS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "client/load/plan.h"
#include "client/load/workload_options.h"

namespace polyserve {

struct Workload {
  const char* name;         // The value of --workload.
  const char* service;      // The service of the server that it needs, as in --listen.
  const char* description;  // For --help: one line.
  bool connection_each;     // A new connection for each request is part of the workload.
  // Completes a plan in which everything but the requests is set: sets make_exchange or make_thread, and inspect and
  // beside if it needs them. May ask the server once what the right reply is, and block for that (AskOnce). Errors:
  // Unavailable (the server does not answer), InvalidArgument (it refuses, or the options make no sense; the text is
  // for the user). The plan is unusable then.
  absl::Status (*prepare)(const WorkloadOptions& options, LoadPlan& plan);
};

// In the order of the help. Static storage.
absl::Span<const Workload> AllWorkloads();

// Null if there is no workload of this name.
const Workload* FindWorkload(absl::string_view name);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_WORKLOADS_H_
