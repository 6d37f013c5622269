#include "client/load/agent.h"

#include <stdio.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/descriptor_limit.h"
#include "base/printable.h"
#include "base/unique_fd.h"
#include "client/load/agent_channel.h"
#include "client/load/agent_messages.h"
#include "client/load/agent_order.h"
#include "client/load/generator.h"
#include "client/load/order_flags.h"
#include "client/load/plan.h"
#include "client/load/plan_flags.h"
#include "client/load/tally.h"
#include "client/load/tally_json.h"
#include "client/load/workloads.h"
#include "net/deadline.h"

namespace polyserve {

namespace {

// For a coordinator that is there, and only slow.
constexpr absl::Duration kPatience = absl::Seconds(60);

// What two threads share: the main one, which does the work and sends, and one that listens to the coordinator
// meanwhile. It is never destroyed, since the latter ends with the process.
struct Conversation {
  AgentChannel channel{UniqueFd(STDIN_FILENO), UniqueFd(STDOUT_FILENO)};
  std::atomic<bool> started = false;
  std::atomic<bool> stopped = false;
  std::atomic<bool> done = false;  // The tally was sent.

  absl::Status Send(const nlohmann::json& message) { return channel.Send(message, Deadline(kPatience)); }
};

// The kernel ends the process (SIGALRM), whatever it is busy with.
void EndAfter(absl::Duration limit) { ::alarm(static_cast<unsigned>(absl::ToInt64Seconds(limit)) + 1); }

// Nobody wants what is measured from then on: no more requests, and the server sees all connections close.
void Listen(Conversation& with) {
  while (true) {
    const absl::StatusOr<nlohmann::json> message = with.channel.Receive(Deadline(absl::InfiniteDuration()));
    if (!message.ok() && !with.done) {
      fprintf(stderr, "load: agent: the coordinator %s\n", Printable(message.status().message()).c_str());
    }
    if (!message.ok()) ::_exit(with.done ? 0 : 1);
    const std::string type = TypeOf(*message);
    if (type == "start") {
      with.started = true;
      with.started.notify_one();
    } else if (type == "stop") {
      with.stopped = true;
    }
  }
}

absl::StatusOr<LoadPlan> PlanOf(const AgentOrder& order) {
  if (absl::Status status = SetFlags(order); !status.ok()) return status;
  const absl::StatusOr<const Workload*> workload = WorkloadByFlags();
  if (!workload.ok()) return workload.status();
  absl::StatusOr<LoadPlan> plan = MakePlan(**workload, order.agents, order.agent);
  if (!plan.ok()) return plan.status();
  absl::Status status = SetServer(**workload, *plan);
  if (status.ok()) status = PreparePlan(**workload, *plan);
  if (!status.ok()) return status;
  return plan;
}

// From the order to the tally.
absl::Status Work(Conversation& with, const AgentOrder& order) {
  absl::StatusOr<LoadPlan> plan = PlanOf(order);
  if (!plan.ok()) return plan.status();
  plan->interrupted = &with.stopped;
  for (LoadPlan& beside : plan->beside) beside.interrupted = plan->interrupted;
  // If this cannot be sent, the other thread notices.
  plan->on_counting = [&with](bool begins) { with.Send(PlainMessage(begins ? "counting" : "counted")).IgnoreError(); };
  RaiseDescriptorLimit();  // Each connection takes a descriptor, and the usual soft limit is 1024.
  absl::StatusOr<ConnectedLoad> load = ConnectedLoad::Connect(*plan);
  if (!load.ok()) return load.status();
  if (absl::Status status = with.Send(ReadyMessage(*plan)); !status.ok()) return status;
  with.started.wait(false);
  EndAfter(plan->warm_up + plan->duration + plan->patience + kFinishLimit);
  if (absl::Status status = with.Send(PlainMessage("started")); !status.ok()) return status;
  const LoadTally tally = load->Run(plan->duration, plan->rate);
  return with.Send({{"type", "tally"}, {"tally", TallyAsJson(tally)}});
}

absl::Status Converse(Conversation& with) {
  if (absl::Status status = with.Send(HelloMessage()); !status.ok()) return status;
  const absl::StatusOr<nlohmann::json> message = with.channel.Receive(Deadline(kPatience));
  if (!message.ok()) return message.status();
  const absl::StatusOr<AgentOrder> order = OrderFromMessage(*message);
  if (!order.ok()) return order.status();
  std::thread([&with] { Listen(with); }).detach();
  return Work(with, *order);
}

}  // namespace

int RunAgent() {
  EndAfter(kSetUpLimit);
  static auto* const with = new Conversation;  // See there.
  const absl::Status status = Converse(*with);
  if (!status.ok()) {
    fprintf(stderr, "load: agent: %s\n", Printable(status.message()).c_str());
    with->Send(ErrorMessage(status)).IgnoreError();
    return 1;
  }
  // Closing first could cost the coordinator what it has not read (RST, if it has sent something meanwhile). The other
  // thread ends the process.
  with->done = true;
  while (true) ::pause();
}

}  // namespace polyserve
