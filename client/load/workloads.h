// The workloads by name: what is asked of a server, and what it has to answer. One table for --workload and the help.
#ifndef POLYSERVE_CLIENT_LOAD_WORKLOADS_H_
#define POLYSERVE_CLIENT_LOAD_WORKLOADS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "client/load/plan.h"
#include "client/load/workload_options.h"

namespace polyserve {

struct Workload {
  const char* name;
  const char* service;  // The server's, that it needs.
  const char* description;
  bool connection_each;  // By its nature.
  // Completes a plan, which says everything but what is asked for. May ask the server once what the right reply is.
  // Unavailable: it cannot be asked, or refuses. InvalidArgument: the options make no sense.
  absl::Status (*prepare)(const WorkloadOptions& options, LoadPlan& plan);
};

absl::Span<const Workload> AllWorkloads();

// Null if there is none of this name.
const Workload* FindWorkload(absl::string_view name);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_WORKLOADS_H_
