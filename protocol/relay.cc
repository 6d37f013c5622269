#include "protocol/relay.h"

#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "protocol/other_protocol.h"

namespace polyserve {

namespace {

// No text repeats what the peer has sent.
void Refuse(int code, absl::string_view why, Output& output) {
  output.CountError();
  output.Write(absl::StrCat("ERR ", code, " ", why, "\n"));
}

struct RelayRequest {
  uint64_t number;
  absl::string_view line;  // Points into the request.
};

// A digit is asked for first, since SimpleAtoi() also takes blanks and signs.
std::optional<RelayRequest> ParseRelay(absl::string_view line) {
  RelayRequest request{};
  if (!absl::ConsumePrefix(&line, "RELAY ")) return std::nullopt;
  const size_t blank = line.find(' ');
  if (blank == absl::string_view::npos || !absl::ascii_isdigit(line[0]) ||
      !absl::SimpleAtoi(line.substr(0, blank), &request.number)) {
    return std::nullopt;
  }
  request.line = line.substr(blank + 1);
  return IsRelayLine(request.line) ? std::optional<RelayRequest>(request) : std::nullopt;
}

}  // namespace

void RelaySession::OnInput(Input& input, Output& output) {
  while (!input.empty() && output.wants_more()) {
    const std::optional<absl::string_view> line = lines_.Next(input);
    if (line.has_value()) {
      OnLine(*line, output);
    } else if (lines_.too_long()) {
      Refuse(400, "the line is too long", output);
      output.Close();
    } else {
      return;
    }
  }
}

void RelaySession::OnOverload(Output& output) {
  output.CountRequest();
  Refuse(503, kOverloadReason, output);
}

// An answer is passed on as it is, also one that says ERR: this server has done its part.
void RelaySession::OnLine(absl::string_view line, Output& output) {
  output.CountRequest();
  if (IsOfOtherProtocol(line)) {
    Refuse(400, kOtherProtocolReason, output);
    return output.Close();
  }
  const std::optional<RelayRequest> request = ParseRelay(line);
  if (!request.has_value()) return Refuse(400, "expected: RELAY <n> <line>", output);
  const size_t count = targets_->all.size();
  if (count == 0) return Refuse(404, "this server asks no other (--relay_to)", output);
  if (request->number < 1 || request->number > count) {
    return Refuse(404, absl::StrCat("n is from 1 to ", count, " here (--relay_to)"), output);
  }
  AskTarget(*targets_, targets_->all[request->number - 1], request->line, output,
            [](const RelayAnswer& answer, Output& result) {
              if (answer.code != 200) return Refuse(answer.code, answer.text, result);
              result.Write(absl::StrCat(answer.text, "\n"));
            });
}

}  // namespace polyserve
