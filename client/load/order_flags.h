// The flags of a run as an order to agents (agent_order.h), and an order as flags:
//
//   coordinator  OrderByFlags() ─ ─▶ agent  SetFlags() ──▶ MakePlan() and so on (plan_flags.h)
//
// Call them in main()'s thread. Errors are for the user.
#ifndef POLYSERVE_CLIENT_LOAD_ORDER_FLAGS_H_
#define POLYSERVE_CLIENT_LOAD_ORDER_FLAGS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/load/agent_order.h"

namespace polyserve {

// The flags that were given, and what is in the files that they name. InvalidArgument: a flag is given whose work only
// this machine can do; or a file cannot be read, or has more than 32 MiB.
absl::StatusOr<AgentOrder> OrderByFlags();

// Sets the flags of an order. InvalidArgument: one of them is no coordinator's business, such as one that names a file
// of this machine, or its value makes no sense. The files of the order exist as long as the process, and have no name.
absl::Status SetFlags(const AgentOrder& order);

// For the command line of an agent. InvalidArgument: it has flags of a run, which are the coordinator's to give.
absl::Status CheckNoFlagsOfARun();

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_ORDER_FLAGS_H_
