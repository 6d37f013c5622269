#include "client/load/tally_json.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/printable.h"
#include "client/load/histogram.h"
#include "client/load/json_fields.h"

namespace polyserve {

namespace {

// The tables name each field once, for both directions.
constexpr std::pair<const char*, Histogram LoadTally::*> kHistograms[] = {
    {"service", &LoadTally::service}, {"response", &LoadTally::response}, {"lateness", &LoadTally::lateness}};
constexpr std::pair<const char*, uint64_t LoadTally::*> kCounts[] = {{"replies", &LoadTally::replies},
                                                                     {"replies_in_all", &LoadTally::replies_in_all},
                                                                     {"bytes_in", &LoadTally::bytes_in},
                                                                     {"due", &LoadTally::due},
                                                                     {"overdue", &LoadTally::overdue},
                                                                     {"unanswered", &LoadTally::unanswered},
                                                                     {"wrong", &LoadTally::wrong},
                                                                     {"broken", &LoadTally::broken},
                                                                     {"not_connected", &LoadTally::not_connected},
                                                                     {"reconnections", &LoadTally::reconnections},
                                                                     {"asked_again", &LoadTally::asked_again},
                                                                     {"tries", &LoadTally::tries},
                                                                     {"refused", &LoadTally::refused},
                                                                     {"gave_up", &LoadTally::gave_up},
                                                                     {"failed", &LoadTally::failed},
                                                                     {"handshakes", &LoadTally::handshakes},
                                                                     {"resumed", &LoadTally::resumed}};
constexpr std::pair<const char*, double LoadTally::*> kNumbers[] = {
    {"seconds", &LoadTally::seconds},
    {"busiest_thread", &LoadTally::busiest_thread},
    {"waited_for_processor", &LoadTally::waited_for_processor}};

// A cause is a text of the system's, and a fault a sentence; a run has a few kinds of them.
constexpr size_t kMostTexts = 10'000;
// More than any histogram has.
constexpr size_t kMostBuckets = 10'000;

nlohmann::json HistogramAsJson(const Histogram& histogram) {
  nlohmann::json buckets = nlohmann::json::array();
  for (const auto& [value, count] : histogram.Buckets()) {
    buckets.push_back(value);
    buckets.push_back(count);
  }
  return {{"buckets", std::move(buckets)}, {"sum", histogram.sum()}};
}

std::optional<Histogram> HistogramFromJson(const nlohmann::json& json) {
  JsonFields fields(json, "histogram");
  const nlohmann::json& flat = fields.List("buckets", 2 * kMostBuckets);
  const double sum = fields.Number("sum");
  if (!fields.status().ok() || flat.size() % 2 != 0) return std::nullopt;
  std::vector<std::pair<uint64_t, uint64_t>> buckets;
  for (size_t i = 0; i < flat.size(); i += 2) {
    if (!flat[i].is_number_unsigned() || !flat[i + 1].is_number_unsigned()) return std::nullopt;
    buckets.emplace_back(flat[i].get<uint64_t>(), flat[i + 1].get<uint64_t>());
  }
  return Histogram::FromBuckets(buckets, sum);
}

// All intervals of the plan, the last of which may be a part of one.
size_t Intervals(const LoadPlan& plan) {
  return static_cast<size_t>(absl::Ceil(plan.duration, plan.interval) / plan.interval);
}

// An interruption shortens both lists, by the same.
void TakeIntervals(const LoadPlan& plan, JsonFields& fields, LoadTally& tally) {
  tally.per_interval = fields.Counts("per_interval", Intervals(plan));
  for (const nlohmann::json& each : fields.List("response_per_interval", tally.per_interval.size())) {
    std::optional<Histogram> histogram = HistogramFromJson(each);
    if (!histogram.has_value()) return fields.Fail("response_per_interval has no histograms");
    tally.response_per_interval.push_back(*std::move(histogram));
  }
  const size_t rows = plan.keeps_rows ? tally.per_interval.size() : 0;
  if (tally.response_per_interval.size() != rows) fields.Fail("response_per_interval does not fit per_interval");
}

void TakeTexts(JsonFields& fields, LoadTally& tally) {
  tally.tls = Printable(fields.Text("tls"));
  for (const nlohmann::json& fault : fields.List("faults", kMostTexts)) {
    if (!fault.is_string()) return fields.Fail("faults are no texts");
    tally.faults.push_back(Printable(fault.get<std::string>()));
  }
  const nlohmann::json& causes = fields.Object("causes");
  if (causes.size() > kMostTexts) return fields.Fail("there are too many causes");
  for (const auto& [cause, count] : causes.items()) {
    if (!count.is_number_unsigned() || count.get<uint64_t>() > JsonFields::kMostCount) {
      return fields.Fail("causes have no counts");
    }
    tally.causes[Printable(cause)] += count.get<uint64_t>();
  }
}

}  // namespace

nlohmann::json TallyAsJson(const LoadTally& tally) {
  nlohmann::json json = {{"tls", tally.tls},
                         {"causes", tally.causes},
                         {"faults", tally.faults},
                         {"connected", tally.connected},
                         {"interrupted", tally.interrupted},
                         {"per_interval", tally.per_interval},
                         {"per_connection", tally.per_connection},
                         {"response_per_interval", nlohmann::json::array()},
                         {"beside", nlohmann::json::array()}};
  for (const auto& [name, member] : kHistograms) json[name] = HistogramAsJson(tally.*member);
  for (const auto& [name, member] : kCounts) json[name] = tally.*member;
  for (const auto& [name, member] : kNumbers) json[name] = tally.*member;
  for (const Histogram& each : tally.response_per_interval) {
    json["response_per_interval"].push_back(HistogramAsJson(each));
  }
  for (const LoadTally& beside : tally.beside) json["beside"].push_back(TallyAsJson(beside));
  return json;
}

absl::StatusOr<LoadTally> TallyFromJson(const nlohmann::json& json, const LoadPlan& share) {
  JsonFields fields(json, "tally");
  LoadTally tally;
  for (const auto& [name, member] : kHistograms) {
    std::optional<Histogram> histogram = HistogramFromJson(fields.Object(name));
    if (!histogram.has_value()) return absl::InvalidArgumentError(absl::StrCat("tally: ", name, " is no histogram"));
    tally.*member = *std::move(histogram);
  }
  for (const auto& [name, member] : kCounts) tally.*member = fields.Count(name);
  for (const auto& [name, member] : kNumbers) tally.*member = fields.Number(name);
  // The shares of all agents are those of a plan, so that the sum is an int again.
  const uint64_t most_connected =
      static_cast<uint64_t>(share.connections) + static_cast<uint64_t>(share.idle_connections);
  tally.connected = static_cast<int>(fields.Count("connected", most_connected));
  tally.interrupted = fields.Bool("interrupted");
  if (tally.seconds > absl::ToDoubleSeconds(share.duration)) fields.Fail("seconds are more than there were");
  tally.per_connection = fields.Counts("per_connection", static_cast<size_t>(share.connections));
  TakeIntervals(share, fields, tally);
  TakeTexts(fields, tally);
  const nlohmann::json& beside = fields.List("beside", share.beside.size());
  if (beside.size() != share.beside.size()) fields.Fail("beside does not fit the plan");
  if (!fields.status().ok()) return fields.status();
  for (size_t i = 0; i < beside.size(); ++i) {
    absl::StatusOr<LoadTally> one = TallyFromJson(beside[i], share.beside[i]);
    if (!one.ok()) return one.status();
    tally.beside.push_back(*std::move(one));
  }
  return tally;
}

}  // namespace polyserve
