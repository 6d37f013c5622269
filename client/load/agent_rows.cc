#include "client/load/agent_rows.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/load/plan_share.h"

namespace polyserve {

namespace {

constexpr std::pair<const char*, double> kQuantiles[] = {{"p50", 0.5}, {"p99", 0.99}, {"max", 1}};

// 0 if nothing was counted, because the run was interrupted in the warm-up.
double RepliesPerSecond(const LoadTally& tally) {
  return tally.seconds > 0 ? static_cast<double>(tally.replies) / tally.seconds : 0;
}

std::string LateMilliseconds(const LoadTally& tally) {
  if (tally.lateness.count() == 0) return "-";
  return absl::StrFormat("%.3f", static_cast<double>(tally.lateness.Quantile(0.99)) / 1e6);
}

}  // namespace

std::string AgentsAsText(const LoadPlan& plan, const LoadTally& tally) {
  if (tally.agents.empty()) return "";
  size_t width = 0;
  for (const LoadTally& agent : tally.agents) width = std::max(width, agent.agent.size());
  std::string text = absl::StrFormat("%-14s  %d, started within %.3g ms\n", "agents", tally.agents.size(),
                                     tally.agents_started_within * 1e3);
  absl::StrAppendFormat(&text, "  %-*s %11s %10s %10s %8s %9s %7s %7s\n", width, "", "connections", "replies",
                        "per second", "due", "late p99", "busy", "waited");
  for (size_t i = 0; i < tally.agents.size(); ++i) {
    const LoadTally& agent = tally.agents[i];
    const LoadPlan share = ShareOfAgent(plan, static_cast<int>(i));
    absl::StrAppendFormat(&text, "  %-*s %11d %10d %10.0f %8s %9s %5.0f %% %5.0f %%\n", width, agent.agent,
                          share.connections, agent.replies, RepliesPerSecond(agent),
                          share.rate.has_value() ? absl::StrFormat("%.0f", *share.rate) : "-", LateMilliseconds(agent),
                          100 * agent.busiest_thread, 100 * agent.waited_for_processor);
  }
  return text;
}

nlohmann::json AgentsAsJson(const LoadPlan& plan, const LoadTally& tally) {
  nlohmann::json agents = nlohmann::json::array();
  for (size_t i = 0; i < tally.agents.size(); ++i) {
    const LoadTally& agent = tally.agents[i];
    const LoadPlan share = ShareOfAgent(plan, static_cast<int>(i));
    nlohmann::json row = {{"agent", agent.agent},
                          {"connections", share.connections},
                          {"connected", agent.connected},
                          {"replies", agent.replies},
                          {"replies_per_second", RepliesPerSecond(agent)},
                          {"busiest_thread", agent.busiest_thread},
                          {"waited_for_processor", agent.waited_for_processor}};
    if (share.rate.has_value()) {
      row["rate"] = *share.rate;
      row["due"] = agent.due;
      for (const auto& [name, quantile] : kQuantiles) row["lateness_ns"][name] = agent.lateness.Quantile(quantile);
    }
    agents.push_back(std::move(row));
  }
  return agents;
}

}  // namespace polyserve
