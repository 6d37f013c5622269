#include "load/report.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace polyserve {

namespace {

// A thread that is busy for more of the time may have kept the server waiting.
constexpr double kBusy = 0.95;
// A rate counts as reached where so much of it was.
constexpr double kRateReached = 0.99;

constexpr std::pair<const char*, double> kQuantiles[] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};

double RepliesPerSecond(const LoadTally& tally) { return static_cast<double>(tally.replies) / tally.seconds; }

std::string Milliseconds(uint64_t nanoseconds) {
  return absl::StrFormat("%.3f", static_cast<double>(nanoseconds) / 1e6);
}

void AppendTimes(absl::string_view name, const Histogram& times, std::string& text) {
  absl::StrAppendFormat(&text, "%-14s", name);
  for (const auto& [label, share] : kQuantiles) {
    absl::StrAppendFormat(&text, "  %s %s", label, Milliseconds(times.Quantile(share)));
  }
  text.append("  (ms)\n");
}

nlohmann::json TimesAsJson(const Histogram& times) {
  nlohmann::json json = {{"count", times.count()}, {"mean", times.mean()}};
  for (const auto& [label, share] : kQuantiles) json[label] = times.Quantile(share);
  return json;
}

}  // namespace

std::vector<std::string> FaultsOf(const LoadPlan& plan, const LoadTally& tally) {
  std::vector<std::string> faults;
  if (tally.wrong > 0) faults.push_back(absl::StrCat(tally.wrong, " replies were not what they had to be"));
  if (tally.broken > 0) faults.push_back(absl::StrCat(tally.broken, " connections were closed or reset by the server"));
  if (tally.not_connected > 0) faults.push_back(absl::StrCat(tally.not_connected, " connections could not be made"));
  if (tally.unanswered > 0) faults.push_back(absl::StrCat(tally.unanswered, " requests got no reply"));
  if (tally.replies == 0) faults.push_back("there was no reply at all");
  if (plan.rate.has_value() &&
      RepliesPerSecond(tally) < kRateReached * static_cast<double>(tally.due) / tally.seconds) {
    faults.push_back(absl::StrFormat("the rate was not reached: %.0f replies per second came of %.0f that were due",
                                     RepliesPerSecond(tally), static_cast<double>(tally.due) / tally.seconds));
  }
  return faults;
}

bool IsGeneratorTheLimit(const LoadTally& tally) { return tally.busiest_thread > kBusy; }

std::string ReportAsText(absl::string_view workload, const LoadPlan& plan, const LoadTally& tally) {
  std::string text = absl::StrFormat("%-14s  %s, %d connections", "workload", workload, plan.connections);
  if (plan.idle_connections > 0) absl::StrAppend(&text, " and ", plan.idle_connections, " idle ones");
  if (plan.connection_each) absl::StrAppend(&text, ", a new one for each request");
  if (plan.depth > 1) absl::StrAppend(&text, ", ", plan.depth, " requests on their way in each");
  if (plan.rate.has_value()) absl::StrAppendFormat(&text, ", %.0f requests per second due", *plan.rate);
  absl::StrAppendFormat(&text, "\n%-14s  %.0f per second; %d in %.3g s; %.1f MB per second\n", "replies",
                        RepliesPerSecond(tally), tally.replies, tally.seconds,
                        static_cast<double>(tally.bytes_in) / tally.seconds / 1e6);
  AppendTimes("service time", tally.service, text);
  if (plan.rate.has_value()) AppendTimes("response time", tally.response, text);
  absl::StrAppendFormat(&text, "%-14s  %.3f (1: all connections got the same)\n", "fairness",
                        FairnessIndex(tally.per_connection));
  absl::StrAppendFormat(&text, "%-14s  %.0f %% of a processor, the busiest thread\n", "generator",
                        100 * tally.busiest_thread);
  if (IsGeneratorTheLimit(tally)) {
    text.append("ATTENTION: the load generator was the limit, not the server: give it --threads or processors.\n");
  }
  for (const std::string& fault : FaultsOf(plan, tally)) absl::StrAppend(&text, "FAULT: ", fault, ".\n");
  return text;
}

std::string ReportAsJson(absl::string_view workload, const LoadPlan& plan, const LoadTally& tally) {
  nlohmann::json json = {
      {"workload", std::string(workload)},
      {"connections", plan.connections},
      {"idle_connections", plan.idle_connections},
      {"connected", tally.connected},
      {"threads", plan.threads},
      {"depth", plan.depth},
      {"connection_each", plan.connection_each},
      {"seed", plan.seed},
      {"seconds", tally.seconds},
      {"replies", tally.replies},
      {"replies_per_second", RepliesPerSecond(tally)},
      {"bytes_in", tally.bytes_in},
      {"service_ns", TimesAsJson(tally.service)},
      {"response_ns", TimesAsJson(tally.response)},
      {"per_second", tally.per_second},
      {"fairness", FairnessIndex(tally.per_connection)},
      {"errors",
       {{"wrong", tally.wrong},
        {"broken", tally.broken},
        {"not_connected", tally.not_connected},
        {"unanswered", tally.unanswered}}},
      {"busiest_thread", tally.busiest_thread},
      {"generator_was_the_limit", IsGeneratorTheLimit(tally)},
      {"faults", FaultsOf(plan, tally)},
  };
  if (plan.rate.has_value()) {
    json["rate"] = *plan.rate;
    json["due"] = tally.due;
  }
  return json.dump() + "\n";
}

}  // namespace polyserve
