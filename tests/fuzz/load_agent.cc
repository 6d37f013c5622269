// What a coordinator of load generators hears of its agents, and they of it: any line is either no message, or one
// whose figures can be added up and reported.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/logging.h"
#include "client/load/agent_messages.h"
#include "client/load/agent_order.h"
#include "client/load/merge_tallies.h"
#include "client/load/plan.h"
#include "client/load/plan_share.h"
#include "client/load/report.h"
#include "client/load/tally.h"
#include "client/load/tally_json.h"

namespace {

using polyserve::LoadPlan;
using polyserve::LoadTally;

void CheckTally(const nlohmann::json& tally, const LoadPlan& plan) {
  absl::StatusOr<LoadTally> taken = polyserve::TallyFromJson(tally, polyserve::ShareOfAgent(plan, 1));
  if (!taken.ok()) return;
  taken->interrupted = true;  // So that there is a sum, whatever its share was.
  const absl::StatusOr<LoadTally> sum = polyserve::MergeTallies(plan, {*taken, *taken}, /*was_interrupted=*/true);
  CHECK(sum.ok());
  CHECK(sum->replies == 2 * taken->replies);
  CHECK(sum->response.count() == 2 * taken->response.count());
  CHECK(!polyserve::ReportAsText(plan, *sum).empty());
  CHECK(!polyserve::ReportAsJson(plan, *sum).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::StatusOr<nlohmann::json> message =
      polyserve::ParseMessage(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!message.ok()) return 0;
  const absl::StatusOr<polyserve::AgentOrder> order = polyserve::OrderFromMessage(*message);
  if (order.ok()) CHECK(order->agent >= 0 && order->agent < order->agents);
  LoadPlan plan;
  plan.agents = 2;
  plan.connections = 4;
  plan.duration = absl::Seconds(3);
  if (polyserve::AdoptReady(*message, plan).ok()) {
    const LoadPlan first = polyserve::ShareOfAgent(plan, 0), second = polyserve::ShareOfAgent(plan, 1);
    CHECK(first.connections >= 1 && second.connections >= 1);
    CHECK(first.connections + second.connections == plan.connections);
    CHECK(first.idle_connections + second.idle_connections == plan.idle_connections);
  }
  const auto tally = message->find("tally");
  if (tally == message->end()) return 0;
  for (const bool keeps_rows : {false, true}) {
    plan.keeps_rows = keeps_rows;
    CheckTally(*tally, plan);
  }
  return 0;
}
