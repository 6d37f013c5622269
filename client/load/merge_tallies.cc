#include "client/load/merge_tallies.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/load/plan_share.h"
#include "client/load/report.h"

namespace polyserve {

namespace {

// Why its figures are not those of its share; nothing if they are.
std::optional<std::string> Shortfall(const LoadPlan& share, const LoadTally& tally) {
  if (tally.interrupted) return "has ended early";
  // Some kinds of threads count no connections, since they make one for each request.
  const int connections = share.connections + share.idle_connections;
  if (tally.connected > 0 && tally.connected < connections) {
    return absl::StrCat("had ", tally.connected, " of its ", connections, " connections");
  }
  std::optional<std::string> fault = RateNotReached(share, tally);
  if (fault.has_value()) return absl::StrCat("has fallen behind: ", *fault);
  return std::nullopt;
}

void AddTo(LoadTally& sum, LoadTally& tally) {
  for (std::string& fault : tally.faults) fault = absl::StrCat(tally.agent, ": ", fault);
  sum.Add(tally);
  sum.beside.resize(tally.beside.size());
  for (size_t i = 0; i < tally.beside.size(); ++i) {
    tally.beside[i].agent = tally.agent;
    AddTo(sum.beside[i], tally.beside[i]);
  }
}

}  // namespace

absl::StatusOr<LoadTally> MergeTallies(const LoadPlan& plan, std::vector<LoadTally> tallies, bool was_interrupted) {
  std::vector<std::string> shortfalls;
  for (size_t i = 0; i < tallies.size() && !was_interrupted; ++i) {
    const std::optional<std::string> shortfall = Shortfall(ShareOfAgent(plan, static_cast<int>(i)), tallies[i]);
    if (shortfall.has_value()) shortfalls.push_back(absl::StrCat("agent ", tallies[i].agent, " ", *shortfall));
  }
  if (shortfalls.size() > 1 && shortfalls.size() == tallies.size()) {
    shortfalls.emplace_back("this is about all agents, so perhaps it is the server that is too slow");
  }
  if (!shortfalls.empty()) return absl::FailedPreconditionError(absl::StrJoin(shortfalls, "; "));
  LoadTally sum;
  for (LoadTally& tally : tallies) {
    AddTo(sum, tally);
    // Of hundreds of intervals they take tens of megabytes, and nobody asks for those of a single agent.
    tally.response_per_interval.clear();
  }
  sum.agents = std::move(tallies);
  return sum;
}

}  // namespace polyserve
