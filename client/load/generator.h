// The load generator's engine: carries plans out, with the threads that they ask for, and sums up what these counted.
#ifndef POLYSERVE_CLIENT_LOAD_GENERATOR_H_
#define POLYSERVE_CLIENT_LOAD_GENERATOR_H_

#include "absl/status/statusor.h"
#include "client/load/plan.h"
#include "client/load/tally.h"

namespace polyserve {

// Carries the plan out, with those beside it, and inspects what they have left. Unavailable: not all connections could
// be made. All else is in the tally.
absl::StatusOr<LoadTally> RunLoad(const LoadPlan& plan);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_GENERATOR_H_
