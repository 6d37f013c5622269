#include "protocol/compute.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "protocol/other_protocol.h"

namespace polyserve {

namespace {

// Trial division by every number, slow on purpose: the service is there to cost time. No overflow: divisor * divisor
// exceeds n, at most kMaxN, by little. A divisor above the root would have a partner below it, which was found before.
bool IsPrime(uint64_t n) {
  if (n < 2) return false;
  for (uint64_t divisor = 2; divisor * divisor <= n; ++divisor) {
    if (n % divisor == 0) return false;
  }
  return true;
}

// The conversation goes on: each line is a request of its own. No text repeats what the peer has sent, so none can
// bring a second line into the reply.
void Refuse(absl::string_view why, Output& output) {
  output.CountError();
  output.Write(absl::StrCat("ERR ", why, "\n"));
}

// The number goes to the task by value: it may run on another thread, and must not touch the session. A digit is asked
// for first since SimpleAtoi() also takes blanks and signs; a number of more than 64 bits gets a 400 as well.
void Answer(absl::string_view line, Output& output) {
  output.CountRequest();
  if (IsOfOtherProtocol(line)) {
    Refuse(absl::StrCat("400 ", kOtherProtocolReason), output);
    return output.Close();
  }
  uint64_t n = 0;
  if (!absl::ConsumePrefix(&line, "PRIMES ") || line.empty() || !absl::ascii_isdigit(line[0]) ||
      !absl::SimpleAtoi(line, &n)) {
    Refuse("400 expected: PRIMES <n>", output);
  } else if (n > ComputeSession::kMaxN) {
    Refuse(absl::StrCat("413 n is at most ", ComputeSession::kMaxN), output);
  } else {
    output.Work([n](Output& result) { result.Write(absl::StrCat("OK ", SumOfPrimesBelow(n), "\n")); });
  }
}

}  // namespace

uint64_t SumOfPrimesBelow(uint64_t n) {
  // 64 bits are ample: the primes below kMaxN have a sum of 3.2e12.
  uint64_t sum = 0;
  for (uint64_t candidate = 2; candidate < n; ++candidate) {
    if (IsPrime(candidate)) sum += candidate;
  }
  return sum;
}

void ComputeSession::OnInput(Input& input, Output& output) {
  while (!input.empty() && output.wants_more()) {
    const std::optional<absl::string_view> line = lines_.Next(input);
    if (line.has_value()) {
      Answer(*line, output);
    } else if (lines_.too_long()) {
      Refuse("400 the line is too long", output);
      output.Close();
    } else {
      return;
    }
  }
}

}  // namespace polyserve
