// Agent rows: what each host of a run over several has contributed, as a part of the report. A host that was slower
// than the others, or busy with something else, shows here.
#ifndef POLYSERVE_CLIENT_LOAD_AGENT_ROWS_H_
#define POLYSERVE_CLIENT_LOAD_AGENT_ROWS_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "client/load/plan.h"
#include "client/load/tally.h"

namespace polyserve {

// For people: aligned, times in milliseconds. "" if the tally is of a single host.
std::string AgentsAsText(const LoadPlan& plan, const LoadTally& tally);

// [{"agent": "10.0.0.1:9000", "connections": 32, ...}, ...]; times in nanoseconds. "rate", "due" and "lateness_ns" are
// those of an open loop.
nlohmann::json AgentsAsJson(const LoadPlan& plan, const LoadTally& tally);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_AGENT_ROWS_H_
