#include "protocol/relay_targets.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/logging.h"

namespace polyserve {

namespace {

RelayAnswer ToAnswer(const std::string& name, absl::StatusOr<std::string> reply) {
  switch (reply.status().code()) {
    case absl::StatusCode::kOk:
      if (IsRelayLine(*reply)) return {200, *std::move(reply)};
      return {502, absl::StrCat(name, " has answered with what is no line of text")};
    case absl::StatusCode::kDeadlineExceeded:
      return {504, std::string(reply.status().message())};
    case absl::StatusCode::kResourceExhausted:
      return {503, std::string(reply.status().message())};
    default:
      return {502, std::string(reply.status().message())};
  }
}

}  // namespace

const RelayTarget* RelayTargets::Find(absl::string_view name) const {
  const auto found = std::find_if(all.begin(), all.end(), [&](const RelayTarget& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

// The bytes of UTF-8 are let through: what they stand for is between the client and the other server.
bool IsRelayLine(absl::string_view line) {
  return !line.empty() && std::all_of(line.begin(), line.end(), [](char byte) {
    return static_cast<unsigned char>(byte) >= ' ' && byte != 0x7f;
  });
}

// The client hears the number alone, by which it asks: where the server is, the log says.
void AskTarget(const RelayTargets& targets, const RelayTarget& target, absl::string_view line, Output& output,
               absl::AnyInvocable<void(RelayAnswer answer, Output& output)> then) {
  const std::string name = absl::StrCat("server ", &target - targets.all.data() + 1);
  Output::Question question = {.to = target.address,
                               .line = std::string(line),
                               .max_reply_bytes = RelayTargets::kMaxLineBytes,
                               .patience = targets.timeout,
                               .name = name};
  output.Ask(std::move(question), [name, address = target.address, then = std::move(then)](
                                      absl::StatusOr<std::string> reply, Output& result) mutable {
    RelayAnswer answer = ToAnswer(name, std::move(reply));
    if (answer.code != 200) LOG_FLOOD(INFO) << answer.text << " (--relay_to, " << address.ToString() << ")";
    then(std::move(answer), result);
  });
}

}  // namespace polyserve
