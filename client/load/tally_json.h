// A tally as JSON, complete: what an agent of the load generator has measured, for its coordinator. Unlike the report,
// which is for users and their programs, it has whole histograms and no derived figure, so that tallies can be added as
// if all threads had been on one host.
#ifndef POLYSERVE_CLIENT_LOAD_TALLY_JSON_H_
#define POLYSERVE_CLIENT_LOAD_TALLY_JSON_H_

#include <nlohmann/json_fwd.hpp>

#include "absl/status/statusor.h"
#include "client/load/plan.h"
#include "client/load/tally.h"

namespace polyserve {

// Without what is about agents. A histogram has its buckets (Histogram::Buckets()) and its exact sum.
nlohmann::json TallyAsJson(const LoadTally& tally);

// The inverse, for the tally of an agent whose share of the plan this is. InvalidArgument: it cannot be the result of
// such a run (its lists are longer, a count is negative, a histogram contradicts itself). Whatever the JSON is, the
// tally can be added to others and be reported; its texts are printable.
absl::StatusOr<LoadTally> TallyFromJson(const nlohmann::json& json, const LoadPlan& share);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_TALLY_JSON_H_
