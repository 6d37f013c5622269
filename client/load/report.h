// What the load generator prints about a run: for a person, or as JSON for a program.
#ifndef POLYSERVE_CLIENT_LOAD_REPORT_H_
#define POLYSERVE_CLIENT_LOAD_REPORT_H_

#include <string>
#include <vector>

#include "client/load/plan.h"
#include "client/load/tally.h"

namespace polyserve {

// What makes the run worth nothing, each in a sentence: replies that were wrong, connections or a rate that were not
// reached; of what ran beside as well. Empty if the figures can be trusted.
std::vector<std::string> FaultsOf(const LoadPlan& plan, const LoadTally& tally);

// True if the generator itself was the limit, so that the figures say little about the server: a thread of it was
// running, or ready to, nearly all of the time.
bool IsGeneratorTheLimit(const LoadTally& tally);

// True if others have kept the generator from running, so that its times are longer than the server's.
bool WasKeptFromRunning(const LoadTally& tally);

std::string ReportAsText(const LoadPlan& plan, const LoadTally& tally);
std::string ReportAsJson(const LoadPlan& plan, const LoadTally& tally);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_REPORT_H_
