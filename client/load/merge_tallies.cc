#include "client/load/merge_tallies.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/load/plan_share.h"
#include "client/load/report.h"

namespace polyserve {

namespace {

// How far behind an agent was at the end, between 0 and 1.
double Behind(const LoadTally& tally) {
  return tally.due > 0 ? static_cast<double>(tally.overdue) / static_cast<double>(tally.due) : 0;
}

// A server that is too slow for a rate that changes is so for all agents. If one of them has kept up, or nearly so, a
// backlog was the agent's own.
std::optional<std::string> OwnBacklog(const LoadPlan& share, const LoadTally& tally, double least_behind) {
  if (share.profile == nullptr) return RateNotReached(share, tally);
  return least_behind < Behind(tally) / 10 ? Backlog(share, tally) : std::nullopt;
}

// Why its figures are not those of its share; nothing if they are.
std::optional<std::string> Shortfall(const LoadPlan& share, const LoadTally& tally, double least_behind) {
  if (tally.interrupted) return "has ended early";
  // Some kinds of threads count no connections, since they make one for each request.
  const int connections = share.connections + share.idle_connections;
  if (tally.connected > 0 && tally.connected < connections) {
    return absl::StrCat("had ", tally.connected, " of its ", connections, " connections");
  }
  const std::optional<std::string> fault = OwnBacklog(share, tally, least_behind);
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
  // An interruption that no agent has noticed came behind the end, and is no excuse.
  const bool is_whole = !was_interrupted || absl::c_none_of(tallies, [](const LoadTally& t) { return t.interrupted; });
  double least_behind = 1;
  for (const LoadTally& tally : tallies) least_behind = std::min(least_behind, Behind(tally));
  for (size_t i = 0; i < tallies.size() && is_whole; ++i) {
    const LoadPlan share = ShareOfAgent(plan, static_cast<int>(i));
    const std::optional<std::string> shortfall = Shortfall(share, tallies[i], least_behind);
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
