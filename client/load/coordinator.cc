#include "client/load/coordinator.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/sys_error.h"
#include "client/load/agent_channel.h"
#include "client/load/agent_messages.h"
#include "client/load/load_thread.h"
#include "client/load/merge_tallies.h"
#include "client/load/plan_share.h"
#include "client/load/tally_json.h"
#include "net/deadline.h"

namespace polyserve {

namespace {

using nlohmann::json;

// To connect to an agent, and for it to take what is sent to it. ssh may have to look up names, and to log in.
constexpr absl::Duration kPatience = absl::Seconds(30);
// Before the agents' own limits, so that it is this side that says what was too slow.
constexpr absl::Duration kBefore = absl::Seconds(10);
// Of what an agent says of itself, on the user's terminal.
constexpr size_t kMostTextBytes = 2000;
// So that an interrupt is noticed.
constexpr int kTickMilliseconds = 100;

class Coordinator {
 public:
  Coordinator(const std::vector<std::string>& names, LoadPlan& plan)
      : names_(names), plan_(plan), tallies_(names.size()), readies_(names.size()) {}

  absl::StatusOr<LoadTally> Run(const AgentLink::Access& access, AgentOrder order,
                                absl::FunctionRef<absl::Status()> on_ready) {
    absl::Status status = Order(access, std::move(order));
    if (status.ok()) status = AwaitReady();
    if (status.ok()) status = on_ready();
    if (status.ok()) status = Start();
    if (status.ok()) status = AwaitTallies();
    if (!status.ok()) return status;
    absl::StatusOr<LoadTally> tally = MergeTallies(plan_, std::move(tallies_), was_interrupted_);
    if (tally.ok()) tally->agents_started_within = started_within_;
    return tally;
  }

 private:
  // What an agent's message means; true if nothing more is awaited of it.
  using Handle = absl::FunctionRef<absl::StatusOr<bool>(size_t agent, const json& message)>;

  bool IsInterrupted() const { return plan_.interrupted != nullptr && *plan_.interrupted; }

  // The error as one of this agent. Only what the agent itself says of the flags is wrong usage.
  absl::Status Of(size_t agent, const absl::Status& status, bool is_its_own = false) const {
    const bool is_usage = is_its_own && absl::IsInvalidArgument(status);
    return absl::Status(is_usage ? absl::StatusCode::kInvalidArgument : absl::StatusCode::kFailedPrecondition,
                        absl::StrCat("agent ", names_[agent], ": ", status.message().substr(0, kMostTextBytes)));
  }

  absl::Status Send(size_t agent, const json& message) {
    const absl::Status status = links_[agent].channel().Send(message, Deadline(kPatience));
    return status.ok() ? status : Of(agent, status);
  }

  absl::Status SendToAll(const json& message) {
    absl::Status status;
    for (size_t i = 0; i < links_.size(); ++i) status.Update(Send(i, message));
    return status;
  }

  // One after the other: a dozen hosts answer within a second, and the first that does not ends the attempt.
  absl::Status Order(const AgentLink::Access& access, AgentOrder order) {
    order.agents = static_cast<int>(names_.size());
    for (order.agent = 0; order.agent < order.agents; ++order.agent) {
      const auto agent = static_cast<size_t>(order.agent);
      if (IsInterrupted()) return absl::CancelledError("interrupted before all agents were there");
      absl::StatusOr<AgentLink> link = AgentLink::Open(names_[agent], access, Deadline(kPatience));
      if (!link.ok()) return Of(agent, link.status());
      links_.push_back(*std::move(link));
      if (absl::Status status = Send(agent, OrderMessage(order)); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status AwaitReady() {
    const auto handle = [this](size_t agent, const json& message) -> absl::StatusOr<bool> {
      absl::Status status = AdoptReady(message, plan_);
      if (!status.ok()) return Of(agent, status, /*is_its_own=*/TypeOf(message) == "error");
      readies_[agent] = message;
      return true;
    };
    const auto interrupt = [] { return absl::CancelledError("interrupted before all connections were made"); };
    if (absl::Status status = AwaitAll(Deadline(kSetUpLimit - kBefore), handle, interrupt); !status.ok()) return status;
    for (size_t i = 1; i < readies_.size(); ++i) {
      // A name may stand for another server on each host, and a program may be of another version.
      if (readies_[i] == readies_[0]) continue;
      return Of(i, absl::FailedPreconditionError(absl::StrCat("has another plan than agent ", names_[0], ": ",
                                                              readies_[i].dump(), ", and not ", readies_[0].dump())));
    }
    return absl::OkStatus();
  }

  absl::Status Start() {
    start_ = LoadThread::Now();
    return SendToAll(PlainMessage("start"));
  }

  absl::Status AwaitTallies() {
    const auto interrupt = [this] {
      was_interrupted_ = true;
      return SendToAll(PlainMessage("stop"));
    };
    const auto handle = [this](size_t agent, const json& message) { return OnMessage(agent, message); };
    const absl::Duration limit = plan_.warm_up + plan_.duration + plan_.patience + kFinishLimit - kBefore;
    return AwaitAll(Deadline(limit), handle, interrupt);
  }

  absl::StatusOr<bool> OnMessage(size_t agent, const json& message) {
    const std::string type = TypeOf(message);
    if (type == "started") {
      started_within_ = static_cast<double>(LoadThread::Now() - start_) / LoadThread::kSecond;
    } else if (type == "counting") {
      if (++counting_ == names_.size() && plan_.on_counting) plan_.on_counting(true);
    } else if (type == "counted") {
      if (counted_++ == 0 && plan_.on_counting) plan_.on_counting(false);
    } else {
      absl::Status status = Expect("tally", message);
      if (status.ok()) status = TakeTally(agent, message);
      if (!status.ok()) return Of(agent, status);
      return true;
    }
    return false;
  }

  absl::Status TakeTally(size_t agent, const json& message) {
    const auto found = message.find("tally");
    absl::StatusOr<LoadTally> tally =
        TallyFromJson(found == message.end() ? json() : *found, ShareOfAgent(plan_, static_cast<int>(agent)));
    if (!tally.ok()) return tally.status();
    tallies_[agent] = *std::move(tally);
    tallies_[agent].agent = names_[agent];
    return absl::OkStatus();
  }

  // Waits until handle() has returned true for each agent. interrupt() is called once, if the user interrupts the wait;
  // from then on an agent has no more time than for the end of a run, of which there may be hours left.
  absl::Status AwaitAll(Deadline deadline, Handle handle, absl::FunctionRef<absl::Status()> interrupt) {
    std::vector<size_t> awaited;
    for (size_t i = 0; i < links_.size(); ++i) awaited.push_back(i);
    bool is_told = false;
    while (!awaited.empty()) {
      if (IsInterrupted() && !std::exchange(is_told, true)) {
        if (absl::Status status = interrupt(); !status.ok()) return status;
        deadline = Deadline(std::min(deadline.Left(), kFinishLimit - kBefore));
      }
      if (deadline.passed()) return Of(awaited.front(), absl::DeadlineExceededError("does not answer in time"));
      if (absl::Status status = ReadFrom(awaited); !status.ok()) return status;
      for (size_t i = 0; i < awaited.size();) {
        const absl::StatusOr<bool> is_through = TakeMessages(awaited[i], handle);
        if (!is_through.ok()) return is_through.status();
        if (*is_through) awaited.erase(awaited.begin() + static_cast<std::ptrdiff_t>(i));
        if (!*is_through) ++i;
      }
    }
    return absl::OkStatus();
  }

  // Reads what there is of these agents; waits for a tick at most.
  absl::Status ReadFrom(const std::vector<size_t>& agents) {
    std::vector<pollfd> waits;
    for (const size_t agent : agents) waits.push_back({links_[agent].channel().fd(), POLLIN, 0});
    if (::poll(waits.data(), waits.size(), kTickMilliseconds) < 0 && errno != EINTR) return SysError("poll");
    for (size_t i = 0; i < agents.size(); ++i) {
      if (waits[i].revents == 0) continue;
      if (absl::Status status = links_[agents[i]].channel().Fill(); !status.ok()) {
        return Of(agents[i], absl::UnavailableError("is gone, or has ended before its work was done"));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<bool> TakeMessages(size_t agent, Handle handle) {
    while (true) {
      const absl::StatusOr<std::optional<json>> message = links_[agent].channel().Next();
      if (!message.ok()) return Of(agent, message.status());
      if (!message->has_value()) return false;
      absl::StatusOr<bool> is_through = handle(agent, **message);
      if (!is_through.ok() || *is_through) return is_through;
    }
  }

  const std::vector<std::string>& names_;
  LoadPlan& plan_;
  std::vector<LoadTally> tallies_;  // By agent, as the next ones.
  std::vector<json> readies_;
  std::vector<AgentLink> links_;
  int64_t start_ = 0;  // When the first agent was told to.
  double started_within_ = 0;
  size_t counting_ = 0, counted_ = 0;  // Agents.
  bool was_interrupted_ = false;
};

}  // namespace

absl::StatusOr<LoadTally> RunOnAgents(const std::vector<std::string>& agents, const AgentLink::Access& access,
                                      AgentOrder order, LoadPlan& plan, absl::FunctionRef<absl::Status()> on_ready) {
  return Coordinator(agents, plan).Run(access, std::move(order), on_ready);
}

}  // namespace polyserve
