#include "client/load/rows.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace polyserve {

namespace {

constexpr std::pair<const char*, double> kQuantiles[] = {
    {"p50_ns", 0.5}, {"p90_ns", 0.9}, {"p99_ns", 0.99}, {"p99.9_ns", 0.999}, {"max_ns", 1}};

// The average of an interval, its bursts included.
std::optional<double> RateIn(const LoadPlan& plan, double begin_s, double end_s) {
  if (plan.profile == nullptr) return plan.rate;
  const auto due = [&plan](double time_s) { return plan.profile->Expected(std::llround(time_s * 1e9)); };
  return end_s > begin_s ? (due(end_s) - due(begin_s)) / (end_s - begin_s) : 0;
}

// A time of those of an interval, right-aligned; there is none if nothing was due.
std::string Milliseconds(const Histogram& times, double share) {
  if (times.count() == 0) return absl::StrFormat("%10s", "-");
  return absl::StrFormat("%10.3f", static_cast<double>(times.Quantile(share)) / 1e6);
}

}  // namespace

std::vector<LoadRow> RowsOf(const LoadPlan& plan, const LoadTally& tally) {
  const double interval_s = absl::ToDoubleSeconds(plan.interval);
  std::vector<LoadRow> rows;
  for (size_t i = 0; i < tally.response_per_interval.size(); ++i) {
    const double begin_s = interval_s * static_cast<double>(i);
    const double end_s = std::min(interval_s * static_cast<double>(i + 1), tally.seconds);
    rows.push_back(
        {begin_s, end_s, RateIn(plan, begin_s, end_s), tally.per_interval[i], &tally.response_per_interval[i]});
  }
  return rows;
}

std::string RowsAsCsv(const std::vector<LoadRow>& rows) {
  std::string text = "begin_s,end_s,rate,due,replies,mean_ns";
  for (const auto& [name, share] : kQuantiles) absl::StrAppend(&text, ",", name);
  text.append("\n");
  for (const LoadRow& row : rows) {
    absl::StrAppendFormat(&text, "%.9g,%.9g,", row.begin_s, row.end_s);
    if (row.rate.has_value()) absl::StrAppendFormat(&text, "%.9g", *row.rate);
    absl::StrAppendFormat(&text, ",%d,%d,%.1f", row.response->count(), row.replies, row.response->mean());
    for (const auto& [name, share] : kQuantiles) absl::StrAppend(&text, ",", row.response->Quantile(share));
    text.append("\n");
  }
  return text;
}

nlohmann::json RowsAsJson(const std::vector<LoadRow>& rows) {
  nlohmann::json found = nlohmann::json::array();
  for (const LoadRow& row : rows) {
    nlohmann::json json = {{"begin_s", row.begin_s},       {"end_s", row.end_s},     {"rate", nullptr},
                           {"due", row.response->count()}, {"replies", row.replies}, {"mean_ns", row.response->mean()}};
    if (row.rate.has_value()) json["rate"] = *row.rate;
    for (const auto& [name, share] : kQuantiles) json[name] = row.response->Quantile(share);
    found.push_back(std::move(json));
  }
  return found;
}

std::string RowsAsNdjson(const std::vector<LoadRow>& rows) {
  std::string text;
  for (const nlohmann::json& row : RowsAsJson(rows)) absl::StrAppend(&text, row.dump(), "\n");
  return text;
}

std::string RowsAsText(const std::vector<LoadRow>& rows) {
  std::string text = absl::StrFormat("%9s %9s %9s %9s %10s %10s %10s %10s  (ms)\n", "from s", "rate", "due", "replies",
                                     "p50", "p99", "p99.9", "max");
  for (const LoadRow& row : rows) {
    absl::StrAppendFormat(&text, "%9.6g %9s %9d %9d", row.begin_s,
                          row.rate.has_value() ? absl::StrFormat("%.0f", *row.rate) : "-", row.response->count(),
                          row.replies);
    for (const double share : {0.5, 0.99, 0.999, 1.0}) {
      absl::StrAppend(&text, " ", Milliseconds(*row.response, share));
    }
    text.append("\n");
  }
  return text;
}

}  // namespace polyserve
