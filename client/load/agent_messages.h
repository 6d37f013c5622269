// The messages between the coordinator of a run over several hosts and its agents: lines of JSON, each an object with a
// field "type".
//
//   coordinator                agent
//                         ◀──  challenge  over TCP only: what to prove the token with (agent_token.h)
//   proof                 ──▶
//                         ◀──  hello      the version of these messages
//   order                 ──▶             flags, files, and which of the agents this one is
//                         ◀──  ready      all connections are made; what the plan has become
//   start                 ──▶             to all agents at once, when all are ready
//                         ◀──  started
//                         ◀──  counting, counted
//   stop                  ──▶             at most, if the user interrupts the run
//                         ◀──  tally      (tally_json.h); the coordinator closes then
//                         ◀──  error      in place of any of its messages: why there will be no tally
//
// Whoever sends something else, or closes, ends the run. Functions of their arguments alone, for any thread. Errors are
// InvalidArgument, if they do not say otherwise: what was sent is no such message.
#ifndef POLYSERVE_CLIENT_LOAD_AGENT_MESSAGES_H_
#define POLYSERVE_CLIENT_LOAD_AGENT_MESSAGES_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/load/agent_order.h"
#include "client/load/plan.h"

namespace polyserve {

// What an agent may take from its start to "ready", and from the end of the run to its tally. Then it ends itself, so
// that none is left over whatever becomes of its coordinator; which waits a little less.
constexpr absl::Duration kSetUpLimit = absl::Minutes(6);
constexpr absl::Duration kFinishLimit = absl::Minutes(2);

// A host that loses its power or its network says no end, and for the length of a run neither side has much to say. The
// kernel of each asks for the other one after such a silence (ListenOptions::keep_alive); it is gone after twice that.
constexpr absl::Duration kAgentKeepAlive = absl::Seconds(15);

// A message without other fields than its type.
nlohmann::json PlainMessage(absl::string_view type);
// The line, with its end.
std::string AsLine(const nlohmann::json& message);
// A line without its end. Fails unless it is an object with a type, and not deeper than any message is: so it can be
// copied, compared and printed.
absl::StatusOr<nlohmann::json> ParseMessage(absl::string_view line);
// That of what ParseMessage() has returned, printable.
std::string TypeOf(const nlohmann::json& message);
// OK if this is the message that is due. The error of an "error"; for any other one, InvalidArgument.
absl::Status Expect(absl::string_view type, const nlohmann::json& message);

nlohmann::json HelloMessage();
// FailedPrecondition: the agent is of another version.
absl::Status CheckHello(const nlohmann::json& message);

nlohmann::json OrderMessage(const AgentOrder& order);
absl::StatusOr<AgentOrder> OrderFromMessage(const nlohmann::json& message);

// What the workload has made of the whole plan: the same for all agents, or their figures could not be added.
nlohmann::json ReadyMessage(const LoadPlan& plan);
// Completes the coordinator's plan by that, for the report.
absl::Status AdoptReady(const nlohmann::json& message, LoadPlan& plan);

// Keeps whether it is wrong usage (InvalidArgument, NotFound) or not (Unavailable).
nlohmann::json ErrorMessage(const absl::Status& error);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_AGENT_MESSAGES_H_
