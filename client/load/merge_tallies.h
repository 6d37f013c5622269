// MergeTallies: adds up what the agents of a run have measured, unless one of them has not done its share: then the sum
// would be of another load than the one that was ordered, and there must be no report of it.
#ifndef POLYSERVE_CLIENT_LOAD_MERGE_TALLIES_H_
#define POLYSERVE_CLIENT_LOAD_MERGE_TALLIES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "client/load/plan.h"
#include "client/load/tally.h"

namespace polyserve {

// `tallies` has those of all agents of the plan, by their number; LoadTally::agent names them. The result is the tally
// that a single host with all of their threads would have, and has those of the agents in LoadTally::agents.
//
// FailedPrecondition, with a sentence for each agent that it is about: one has fallen behind its rate (RateNotReached()
// of its share), has ended early, or did not have all of its connections. With a profile, which may be too much for the
// server on purpose, one has fallen behind if others have not. Not so if the user has interrupted the run
// (`was_interrupted`) before its end, who sees what there is.
absl::StatusOr<LoadTally> MergeTallies(const LoadPlan& plan, std::vector<LoadTally> tallies, bool was_interrupted);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_MERGE_TALLIES_H_
