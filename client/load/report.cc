#include "client/load/report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/load/agent_rows.h"
#include "client/load/rows.h"

namespace polyserve {

namespace {

// A thread that is running, or ready to run, for more than this share of the time may have kept the server waiting:
// events wait for it, and the times that it measures include that wait.
constexpr double kBusy = 0.90;
// A thread that is kept from running for more than this share of the time reads its replies late.
constexpr double kKeptWaiting = 0.10;
// A rate counts as reached if at the end no more of the due requests than this share wait for a connection, and those
// of the last kJustDue seconds. A server that is too slow by 2 % exceeds that after 5 s; one that keeps up has at most
// a random burst waiting, for which short runs need the allowance.
constexpr double kMayWait = 0.01;
constexpr double kJustDue = 0.05;
// Runs of more intervals show none of them as text: they are for --rows.
constexpr size_t kRowsInText = 60;
// Runs of more seconds show only their slowest and fastest one.
constexpr size_t kSecondsInALine = 12;

// No mean in the text: times have a long tail, and a mean describes neither the usual request nor the slow one.
constexpr std::pair<const char*, double> kQuantiles[] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};

// 0 if nothing was counted, because the run was interrupted in the warm-up.
double PerSecond(double count, const LoadTally& tally) { return tally.seconds > 0 ? count / tally.seconds : 0; }

double RepliesPerSecond(const LoadTally& tally) { return PerSecond(static_cast<double>(tally.replies), tally); }

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

// [value, count, value, count, ...]: flat, because there are hundreds of pairs. With these, tools can add up the rounds
// and compute any percentile of all of them, which the percentiles of each round do not allow.
nlohmann::json HistogramAsJson(const Histogram& times) {
  nlohmann::json json = nlohmann::json::array();
  for (const auto& [value, count] : times.Buckets()) {
    json.push_back(value);
    json.push_back(count);
  }
  return json;
}

// The last second may be a part of one; it is scaled to a whole one, so that it does not look like a slow one.
void AppendSeconds(const LoadPlan& plan, const LoadTally& tally, std::string& text) {
  if (plan.interval != absl::Seconds(1) || tally.per_interval.size() < 2) return;
  std::vector<uint64_t> rates = tally.per_interval;
  const double last = tally.seconds - std::floor(tally.seconds);
  // Text only; per_interval in JSON stays as it was counted.
  if (last > 0) rates.back() = static_cast<uint64_t>(static_cast<double>(rates.back()) / last);
  absl::StrAppendFormat(&text, "%-14s  ", "each second");
  // Second by second, because an average hides that a server stops now and then, or becomes slower with time.
  if (rates.size() <= kSecondsInALine) {
    absl::StrAppend(&text, absl::StrJoin(rates, " "), "\n");
  } else {
    const auto [lowest, highest] = std::minmax_element(rates.begin(), rates.end());
    absl::StrAppend(&text, "between ", *lowest, " and ", *highest, " replies; all of them with --json\n");
  }
}

// What is due per second, in words.
std::string RateInWords(const LoadPlan& plan) {
  if (plan.profile == nullptr) return absl::StrFormat("%.0f requests per second due", *plan.rate);
  const double first = plan.profile->first(), last = plan.profile->last(), peak = plan.profile->peak();
  const bool is_ramp = peak == std::max(first, last);
  return absl::StrFormat("%.0f to %.0f%s requests per second due", first, last,
                         is_ramp ? "" : absl::StrFormat(", at most %.0f,", peak));
}

// In place of the replies of each second, which are in it.
void AppendRows(const LoadPlan& plan, const LoadTally& tally, std::string& text) {
  if (!plan.keeps_rows) return AppendSeconds(plan, tally, text);
  if (tally.response_per_interval.size() > kRowsInText) {
    absl::StrAppend(&text, "intervals       ", tally.response_per_interval.size(), "; all of them with --rows=FILE\n");
  } else {
    absl::StrAppend(&text, RowsAsText(RowsOf(plan, tally)));
  }
}

void AppendTls(const LoadTally& tally, std::string& text) {
  if (tally.tls.empty()) return;
  absl::StrAppendFormat(&text, "%-14s  %s; %.0f handshakes per second", "TLS", tally.tls,
                        PerSecond(static_cast<double>(tally.handshakes), tally));
  if (tally.resumed > 0) absl::StrAppend(&text, ", ", tally.resumed, " of ", tally.handshakes, " resumed");
  text.append("\n");
}

// No errors: they are what such a load asks about.
void AppendTries(const LoadPlan& plan, const LoadTally& tally, std::string& text) {
  if (!plan.impatience.has_value()) return;
  absl::StrAppendFormat(&text, "%-14s  %d for %d requests: %d refused, %d given up after %s; %d requests failed\n",
                        "tries", tally.tries, tally.due, tally.refused, tally.gave_up,
                        absl::FormatDuration(plan.impatience->give_up), tally.failed);
}

nlohmann::json TriesAsJson(const Impatience& impatience, const LoadTally& tally) {
  constexpr const char* kNames[] = {"none", "at_once", "backoff"};
  return {{"give_up_s", absl::ToDoubleSeconds(impatience.give_up)},
          {"retry", kNames[static_cast<int>(impatience.retry)]},
          {"most_tries", impatience.retry == Impatience::Retry::kNone ? 1 : impatience.tries},
          {"tries", tally.tries},
          {"refused", tally.refused},
          {"gave_up", tally.gave_up},
          {"failed", tally.failed}};
}

void AppendErrors(const LoadTally& tally, std::string& text) {
  absl::StrAppendFormat(&text, "%-14s  %d wrong, %d unanswered, %d broken, %d not connected", "errors", tally.wrong,
                        tally.unanswered, tally.broken, tally.not_connected);
  for (const auto& [cause, count] : tally.causes) absl::StrAppend(&text, "; ", cause, ": ", count);
  text.append("\n");
  // Not among the errors: HTTP lets a server close an idle connection at any time (RFC 9112, section 9.3). They are
  // shown because each one costs a handshake, which a comparison of two servers should not overlook.
  if (tally.reconnections == 0) return;
  absl::StrAppendFormat(&text, "%-14s  %d, as the server closed between two replies; %d requests were asked again\n",
                        "reconnections", tally.reconnections, tally.asked_again);
}

// The report of one plan, without its faults. An open loop shows two lines of times; in a closed loop they are the
// same.
std::string BlockAsText(absl::string_view heading, const LoadPlan& plan, const LoadTally& tally) {
  std::string text = absl::StrFormat("%-14s  %s, %d connection%s", heading, plan.workload, plan.connections,
                                     plan.connections == 1 ? "" : "s");
  if (plan.idle_connections > 0) absl::StrAppend(&text, " and ", plan.idle_connections, " idle ones");
  if (plan.connection_each) absl::StrAppend(&text, ", a new one for each request");
  if (plan.depth > 1) absl::StrAppend(&text, ", ", plan.depth, " ", plan.depth_in_words);
  if (plan.rate.has_value()) absl::StrAppend(&text, ", ", RateInWords(plan));
  absl::StrAppendFormat(&text, "\n%-14s  %.0f per second; %d in %.3g s; %.1f MB per second\n", "replies",
                        RepliesPerSecond(tally), tally.replies, tally.seconds,
                        PerSecond(static_cast<double>(tally.bytes_in), tally) / 1e6);
  AppendRows(plan, tally, text);
  AppendTimes("service time", tally.service, text);
  if (plan.rate.has_value()) AppendTimes("response time", tally.response, text);
  if (tally.lateness.count() > 0) AppendTimes("lateness", tally.lateness, text);
  AppendTls(tally, text);
  AppendTries(plan, tally, text);
  AppendErrors(tally, text);
  // Clients of a schedule ask for different things, so that their counts say nothing about the server.
  if (!tally.per_connection.empty()) {
    absl::StrAppendFormat(&text, "%-14s  %.3f (1: all connections got the same)\n", "fairness",
                          FairnessIndex(tally.per_connection));
  }
  absl::StrAppendFormat(&text,
                        "%-14s  %.0f %% of a processor, the busiest thread; %.0f %% of the time waited for one\n",
                        "generator", 100 * tally.busiest_thread, 100 * tally.waited_for_processor);
  text.append(AgentsAsText(plan, tally));
  if (IsGeneratorTheLimit(tally)) {  // The stronger statement of the two; it includes the waiting.
    text.append(
        "ATTENTION: the load generator was the limit, not the server: give it processors of its own, or --threads.\n");
  } else if (WasKeptFromRunning(tally)) {
    text.append("ATTENTION: the load generator had to wait for a processor: its times are longer than the server's.\n");
  }
  return text;
}

// Calls itself for the plans beside: each has the same fields, its own faults included.
nlohmann::json AsJson(const LoadPlan& plan, const LoadTally& tally) {
  nlohmann::json json = {
      {"workload", plan.workload},
      {"connections", plan.connections},
      {"idle_connections", plan.idle_connections},
      {"connected", tally.connected},
      {"threads", plan.threads * plan.agents},
      {"depth", plan.depth},
      {"connection_each", plan.connection_each},
      {"seed", plan.seed},
      {"seconds", tally.seconds},
      {"interrupted", tally.interrupted},
      {"replies", tally.replies},
      {"replies_in_all", tally.replies_in_all},
      {"replies_per_second", RepliesPerSecond(tally)},
      {"bytes_in", tally.bytes_in},
      {"service_ns", TimesAsJson(tally.service)},
      {"response_ns", TimesAsJson(tally.response)},
      {plan.interval == absl::Seconds(1) ? "per_second" : "per_interval", tally.per_interval},
      {"interval_s", absl::ToDoubleSeconds(plan.interval)},
      {"fairness", FairnessIndex(tally.per_connection)},
      {"errors",
       {{"wrong", tally.wrong},
        {"broken", tally.broken},
        {"not_connected", tally.not_connected},
        {"unanswered", tally.unanswered}}},
      {"error_causes", tally.causes},
      {"reconnections", tally.reconnections},
      {"asked_again", tally.asked_again},
      {"busiest_thread", tally.busiest_thread},
      {"waited_for_processor", tally.waited_for_processor},
      {"generator_was_the_limit", IsGeneratorTheLimit(tally)},
      {"generator_was_kept_waiting", WasKeptFromRunning(tally)},
      {"faults", FaultsOf(plan, tally)},
  };
  if (!tally.tls.empty()) {
    json["tls"] = {{"cipher", tally.tls}, {"handshakes", tally.handshakes}, {"resumed", tally.resumed}};
  }
  // Only the times that a user would see are always there: in an open loop those from when a request was due.
  json["response_ns"]["histogram"] = HistogramAsJson(tally.response);
  if (plan.rate.has_value()) {
    json["service_ns"]["histogram"] = HistogramAsJson(tally.service);  // Without a rate it is that of the responses.
    json["rate"] = *plan.rate;
    json["due"] = tally.due;
    json["overdue"] = tally.overdue;
    json["lateness_ns"] = TimesAsJson(tally.lateness);
  }
  if (plan.profile != nullptr) {
    json["rates"] = {{"first", plan.profile->first()}, {"last", plan.profile->last()}, {"peak", plan.profile->peak()}};
  }
  if (plan.keeps_rows) json["rows"] = RowsAsJson(RowsOf(plan, tally));
  if (plan.impatience.has_value()) json["impatience"] = TriesAsJson(*plan.impatience, tally);
  if (!tally.agents.empty()) {
    json["agents"] = AgentsAsJson(plan, tally);
    json["agents_started_within_s"] = tally.agents_started_within;
  }
  for (size_t i = 0; i < plan.beside.size(); ++i) json["beside"].push_back(AsJson(plan.beside[i], tally.beside[i]));
  return json;
}

}  // namespace

// Without any reply the figures say nothing, even if nothing failed (a low rate in a short run), unless an interruption
// explains it. Bytes suffice: a slow reader may need longer than the run for its one file.
std::vector<std::string> FaultsOf(const LoadPlan& plan, const LoadTally& tally) {
  std::vector<std::string> faults;
  if (tally.wrong > 0) faults.push_back(absl::StrCat(tally.wrong, " replies were wrong"));
  if (tally.broken > 0) faults.push_back(absl::StrCat(tally.broken, " connections were closed or reset by the server"));
  if (tally.not_connected > 0) faults.push_back(absl::StrCat(tally.not_connected, " connections could not be made"));
  // Even one: a server that loses a request in a million is broken, and its speed says nothing.
  if (tally.unanswered > 0) faults.push_back(absl::StrCat(tally.unanswered, " requests got no reply"));
  if (tally.replies == 0 && tally.bytes_in == 0 && !tally.interrupted) faults.emplace_back("there was no reply at all");
  if (const std::optional<std::string> fault = RateNotReached(plan, tally); fault.has_value()) faults.push_back(*fault);
  faults.insert(faults.end(), tally.faults.begin(), tally.faults.end());
  for (size_t i = 0; i < plan.beside.size(); ++i) {
    for (const std::string& fault : FaultsOf(plan.beside[i], tally.beside[i])) {
      faults.push_back(absl::StrCat(plan.beside[i].workload, " beside: ", fault));
    }
  }
  return faults;
}

// The rows show from where on a rate that changes is too much.
std::optional<std::string> RateNotReached(const LoadPlan& plan, const LoadTally& tally) {
  return plan.profile == nullptr ? Backlog(plan, tally) : std::nullopt;
}

// Only requests without a connection count. Replies that merely take their time are under way, and no backlog.
std::optional<std::string> Backlog(const LoadPlan& plan, const LoadTally& tally) {
  if (!plan.rate.has_value()) return std::nullopt;
  const double may_wait = kMayWait * static_cast<double>(tally.due) + *plan.rate * kJustDue;
  if (static_cast<double>(tally.overdue) <= may_wait) return std::nullopt;
  return absl::StrFormat(
      "the rate was not reached: %.0f replies per second came of %.0f that were due, and %d requests still waited for "
      "a "
      "connection at the end",
      RepliesPerSecond(tally), PerSecond(static_cast<double>(tally.due), tally), tally.overdue);
}

// The sum, because a thread that runs for half of the time and waits for a processor in the other half has none left
// for its connections either.
bool IsGeneratorTheLimit(const LoadTally& tally) {
  // The busiest thread may be on one host, and the one that waited on another.
  if (!tally.agents.empty()) return absl::c_any_of(tally.agents, &IsGeneratorTheLimit);
  return tally.busiest_thread + tally.waited_for_processor > kBusy;
}

bool WasKeptFromRunning(const LoadTally& tally) { return tally.waited_for_processor > kKeptWaiting; }

std::string ReportAsText(const LoadPlan& plan, const LoadTally& tally) {
  std::string text = BlockAsText("workload", plan, tally);
  for (size_t i = 0; i < plan.beside.size(); ++i) {
    absl::StrAppend(&text, "\n", BlockAsText("beside", plan.beside[i], tally.beside[i]));
  }
  for (const std::string& fault : FaultsOf(plan, tally)) absl::StrAppend(&text, "FAULT: ", fault, ".\n");
  if (tally.interrupted) {
    absl::StrAppendFormat(&text, "INTERRUPTED: this is of %.3g s; it should have been %.3g s.\n", tally.seconds,
                          absl::ToDoubleSeconds(plan.duration));
  }
  return text;
}

std::string ReportAsJson(const LoadPlan& plan, const LoadTally& tally) { return AsJson(plan, tally).dump() + "\n"; }

}  // namespace polyserve
