#include "client/load/slices.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/load/generator.h"
#include "client/load/report.h"
#include "client/load/tally.h"

namespace polyserve {

namespace {

// Below a millisecond a slice would hold hardly a reply. A day is the bound of --duration, too.
constexpr double kLeastSeconds = 0.001;
constexpr double kMostSeconds = 24 * 60 * 60;

// The plan has the rate of the order already.
absl::Status CheckRate(const LoadPlan& plan, const SliceOrder& order) {
  // Clients that give up are an open loop in any case, with threads of their own.
  if (plan.impatience.has_value()) {
    return plan.rate.has_value() ? absl::OkStatus()
                                 : absl::InvalidArgumentError("clients that give up need a rate: SECONDS RATE");
  }
  // Other threads of a kind of their own (a chat room, slow readers) have a pace of their own, too.
  if (!order.rate.has_value() || (plan.make_thread == nullptr && plan.depth == 1)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(plan.workload, " takes no rate here"));
}

}  // namespace

absl::StatusOr<SliceOrder> ParseSliceOrder(absl::string_view line) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipWhitespace());
  double seconds = 0, rate = 0;
  // Written so that NaN fails.
  if (words.empty() || words.size() > 2 || !absl::SimpleAtod(words[0], &seconds) || !(seconds >= kLeastSeconds) ||
      !(seconds <= kMostSeconds)) {
    return absl::InvalidArgumentError(absl::StrCat("'", line, "' is not SECONDS [RATE], with 0.001 to 86400 seconds"));
  }
  SliceOrder order = {absl::Seconds(seconds), std::nullopt};
  if (words.size() == 1) return order;
  if (!absl::SimpleAtod(words[1], &rate) || !(rate > 0 && rate < 1e9)) {
    return absl::InvalidArgumentError(absl::StrCat("'", line, "': the rate is more than 0, and less than 1e9"));
  }
  order.rate = rate;
  return order;
}

absl::StatusOr<bool> RunSlices(LoadPlan plan, std::istream& orders, std::ostream& reports) {
  absl::StatusOr<ConnectedLoad> load = ConnectedLoad::Connect(plan);
  if (!load.ok()) return load.status();
  // The plan is changed for each order, because the report states its rate and duration.
  const std::optional<double> usual_rate = plan.rate;
  bool all_good = true;
  // A malformed order ends the whole run instead of being skipped: each order is answered by one line, and the program
  // on the other side would otherwise wait for an answer that never comes, or take the next one for it.
  for (std::string line; std::getline(orders, line);) {
    const absl::StatusOr<SliceOrder> order = ParseSliceOrder(line);
    if (!order.ok()) return order.status();
    plan.duration = order->duration;
    plan.rate = order->rate.has_value() ? order->rate : usual_rate;
    if (absl::Status status = CheckRate(plan, *order); !status.ok()) return status;
    const LoadTally tally = load->Run(plan.duration, plan.rate);
    all_good = all_good && FaultsOf(plan, tally).empty();
    // Flushed, since that program waits for this line before it writes the next order.
    reports << ReportAsJson(plan, tally) << std::flush;
    // The slice was cut short, and the user wants the program to end: its report is out, and no order is taken after
    // it.
    if (tally.interrupted) break;
  }
  return all_good;
}

}  // namespace polyserve
