#include "protocol/number_session.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "protocol/other_protocol.h"

namespace polyserve {

namespace {

// The conversation goes on: each line is a request of its own. No text repeats what the peer has sent, so none can
// bring a second line into the reply.
void Refuse(absl::string_view why, Output& output) {
  output.CountError();
  output.Write(absl::StrCat("ERR ", why, "\n"));
}

}  // namespace

void NumberSession::OnInput(Input& input, Output& output) {
  while (!input.empty() && output.wants_more()) {
    const std::optional<absl::string_view> line = lines_.Next(input);
    if (line.has_value()) {
      OnLine(*line, output);
    } else if (lines_.too_long()) {
      Refuse("400 the line is too long", output);
      output.Close();
    } else {
      return;
    }
  }
}

void NumberSession::OnOverload(Output& output) {
  output.CountRequest();
  Refuse(absl::StrCat("503 ", kOverloadReason), output);
}

// A digit is asked for first since SimpleAtoi() also takes blanks and signs; a number of more than 64 bits gets a 400
// as well.
void NumberSession::OnLine(absl::string_view line, Output& output) {
  output.CountRequest();
  if (IsOfOtherProtocol(line)) {
    Refuse(absl::StrCat("400 ", kOtherProtocolReason), output);
    return output.Close();
  }
  uint64_t number = 0;
  if (!absl::ConsumePrefix(&line, request_.verb) || !absl::ConsumePrefix(&line, " ") || line.empty() ||
      !absl::ascii_isdigit(line[0]) || !absl::SimpleAtoi(line, &number)) {
    Refuse(absl::StrCat("400 expected: ", request_.verb, " <", request_.what, ">"), output);
  } else if (number > request_.most) {
    Refuse(absl::StrCat("413 ", request_.what, " is at most ", request_.most), output);
  } else {
    Answer(number, output);
  }
}

}  // namespace polyserve
