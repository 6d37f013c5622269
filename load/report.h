// What the load generator prints about a run: for a person, or as JSON for a program.
#ifndef POLYSERVE_LOAD_REPORT_H_
#define POLYSERVE_LOAD_REPORT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "load/generator.h"

namespace polyserve {

// What makes the run worth nothing, each in a sentence: replies that were wrong, connections or a rate that were not
// reached. Empty where the figures can be trusted.
std::vector<std::string> FaultsOf(const LoadPlan& plan, const LoadTally& tally);

// True where the generator itself was the limit, so that the figures say little about the server.
bool IsGeneratorTheLimit(const LoadTally& tally);

std::string ReportAsText(absl::string_view workload, const LoadPlan& plan, const LoadTally& tally);
std::string ReportAsJson(absl::string_view workload, const LoadPlan& plan, const LoadTally& tally);

}  // namespace polyserve

#endif  // POLYSERVE_LOAD_REPORT_H_
