#include "client/load/agent_messages.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/printable.h"
#include "client/load/json_fields.h"

namespace polyserve {

namespace {

using nlohmann::json;

// Changes with every message that an agent of before would take in another way.
constexpr uint64_t kVersion = 1;
// Far more than a user will have. Each gets a connection, and a share of the plan.
constexpr uint64_t kMostAgents = 1000;
constexpr uint64_t kMostConnections = 100'000'000;
constexpr size_t kMostBeside = 16;
// How deep lists and objects lie in each other: a few levels more than in a tally, which has the most.
constexpr int kMostDepth = 16;

// The parser takes JSON of any depth, but what copies, compares or prints a value calls itself for each level: a peer
// that sends a million brackets would overrun the stack. Of what is no JSON, the answer means nothing.
bool IsTooDeep(absl::string_view line) {
  int depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_text && c == '\\') {
      ++i;  // The next one is no end of the text.
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && (c == '[' || c == '{')) {
      if (++depth > kMostDepth) return true;
    } else if (!in_text && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return false;
}

// In base64: paths and schedules may have any bytes, and JSON has texts of UTF-8.
json Encoded(const std::map<std::string, std::string>& values) {
  json encoded = json::object();
  for (const auto& [name, value] : values) encoded[name] = absl::Base64Escape(value);
  return encoded;
}

std::map<std::string, std::string> Decoded(const char* name, JsonFields& fields) {
  std::map<std::string, std::string> values;
  for (const auto& [key, value] : fields.Object(name).items()) {
    if (!value.is_string() || !absl::Base64Unescape(value.get_ref<const std::string&>(), &values[Printable(key)])) {
      fields.Fail(absl::StrCat(name, " are not in base64"));
    }
  }
  return values;
}

json SummaryOf(const LoadPlan& plan) {
  json summary = {{"workload", plan.workload},
                  {"to", plan.to.ToString()},
                  {"connections", plan.connections},
                  {"idle_connections", plan.idle_connections},
                  {"threads", plan.threads},
                  {"depth", plan.depth},
                  {"connection_each", plan.connection_each},
                  {"rate", nullptr}};
  if (plan.rate.has_value()) summary["rate"] = *plan.rate;
  return summary;
}

absl::Status Adopt(const json& summary, LoadPlan& plan) {
  JsonFields fields(summary, "plan");
  plan.workload = Printable(fields.Text("workload"));
  plan.connections = static_cast<int>(fields.Count("connections", kMostConnections));
  plan.idle_connections = static_cast<int>(fields.Count("idle_connections", kMostConnections));
  plan.threads = static_cast<int>(fields.Count("threads", kMostConnections / kMostAgents));
  plan.depth = static_cast<int>(fields.Count("depth", INT32_MAX));
  plan.connection_each = fields.Bool("connection_each");
  plan.rate = fields.Has("rate") ? std::optional<double>(fields.Number("rate")) : std::nullopt;
  if (plan.threads < 1 || plan.connections / plan.agents < plan.threads) fields.Fail("there are too few connections");
  return fields.status();
}

}  // namespace

json PlainMessage(absl::string_view type) {
  json message = json::object();
  message["type"] = std::string(type);
  return message;
}

// What is no UTF-8 in a text is replaced: without a handler, nlohmann would throw.
std::string AsLine(const json& message) { return message.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

absl::StatusOr<json> ParseMessage(absl::string_view line) {
  json message = IsTooDeep(line) ? json() : json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!message.is_discarded() && message.is_object()) {
    const auto type = message.find("type");
    if (type != message.end() && type->is_string()) return message;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", Printable(line.substr(0, 80)), "' is no message of the load generator"));
}

std::string TypeOf(const json& message) { return Printable(message["type"].get<std::string>()); }

absl::Status Expect(absl::string_view type, const json& message) {
  const std::string found = TypeOf(message);
  if (found == type) return absl::OkStatus();
  if (found != "error") return absl::InvalidArgumentError(absl::StrCat("says '", found, "' in place of '", type, "'"));
  JsonFields fields(message, "error");
  const bool is_usage = fields.Bool("usage");
  const std::string text = Printable(fields.Text("text"));
  if (!fields.status().ok()) return fields.status();
  return is_usage ? absl::InvalidArgumentError(text) : absl::UnavailableError(text);
}

json HelloMessage() { return {{"type", "hello"}, {"version", kVersion}}; }

absl::Status CheckHello(const json& message) {
  if (absl::Status status = Expect("hello", message); !status.ok()) return status;
  JsonFields fields(message, "hello");
  const uint64_t version = fields.Count("version");
  if (!fields.status().ok()) return fields.status();
  if (version == kVersion) return absl::OkStatus();
  return absl::FailedPreconditionError("is of another version of the load generator");
}

json OrderMessage(const AgentOrder& order) {
  return {{"type", "order"},
          {"agents", order.agents},
          {"agent", order.agent},
          {"flags", Encoded(order.flags)},
          {"files", Encoded(order.files)}};
}

absl::StatusOr<AgentOrder> OrderFromMessage(const json& message) {
  if (absl::Status status = Expect("order", message); !status.ok()) return status;
  JsonFields fields(message, "order");
  AgentOrder order;
  order.agents = static_cast<int>(fields.Count("agents", kMostAgents));
  order.agent = static_cast<int>(fields.Count("agent", kMostAgents));
  if (order.agent >= order.agents) fields.Fail("there is no agent of this number");
  order.flags = Decoded("flags", fields);
  order.files = Decoded("files", fields);
  if (!fields.status().ok()) return fields.status();
  return order;
}

json ReadyMessage(const LoadPlan& plan) {
  json summary = SummaryOf(plan);
  summary["beside"] = json::array();
  for (const LoadPlan& beside : plan.beside) summary["beside"].push_back(SummaryOf(beside));
  return {{"type", "ready"}, {"plan", std::move(summary)}};
}

absl::Status AdoptReady(const json& message, LoadPlan& plan) {
  if (absl::Status status = Expect("ready", message); !status.ok()) return status;
  JsonFields fields(message, "ready");
  const json& summary = fields.Object("plan");
  if (!fields.status().ok()) return fields.status();
  JsonFields in_plan(summary, "plan");
  const json& beside = in_plan.List("beside", kMostBeside);
  if (!in_plan.status().ok()) return in_plan.status();
  if (absl::Status status = Adopt(summary, plan); !status.ok()) return status;
  plan.beside.clear();
  for (const json& each : beside) {
    LoadPlan one;
    one.agents = plan.agents;
    one.warm_up = plan.warm_up;
    one.duration = plan.duration;
    one.interval = plan.interval;
    if (absl::Status status = Adopt(each, one); !status.ok()) return status;
    plan.beside.push_back(std::move(one));
  }
  return absl::OkStatus();
}

json ErrorMessage(const absl::Status& error) {
  return {{"type", "error"},
          {"usage", absl::IsInvalidArgument(error) || absl::IsNotFound(error)},
          {"text", std::string(error.message())}};
}

}  // namespace polyserve
