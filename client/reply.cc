#include "client/reply.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

// Marks a status as the server's own answer; the value is the code in decimal. The status code alone cannot tell: a
// local file that does not exist is NotFound as well.
constexpr absl::string_view kRefusalPayload = "polyserve/refusal";

// The nearest code of Abseil's; the other direction of HttpCode() in files/library.h. 503 has no row: its code there,
// Unavailable, means a lost connection here.
absl::StatusCode CodeOf(int refusal) {
  switch (refusal) {
    case 400:
      return absl::StatusCode::kInvalidArgument;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 405:
      return absl::StatusCode::kUnimplemented;
    case 409:
      return absl::StatusCode::kFailedPrecondition;
    case 413:
      return absl::StatusCode::kOutOfRange;
    case 507:
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kUnknown;
  }
}

// What the server sent is not repeated: it may be anything, such as another protocol's binary data.
absl::Status Nonsense(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("the server does not speak the file protocol: ", what));
}

// A decimal number, which may be negative; SimpleAtoi alone would also take blanks and a plus sign. Nothing if it has
// more than 63 bits.
std::optional<int64_t> ParseNumber(absl::string_view text) {
  absl::string_view digits = text;
  absl::ConsumePrefix(&digits, "-");
  int64_t number = 0;
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) return std::nullopt;
  if (!absl::SimpleAtoi(text, &number)) return std::nullopt;
  return number;
}

// `line` is what follows "ERR ". A code without a text is accepted.
absl::Status ParseRefusal(absl::string_view line) {
  const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(' ', 1));
  const std::optional<int64_t> code = ParseNumber(parts[0]);
  if (!code.has_value() || *code < 400 || *code > 599) return Nonsense("its error has no code");
  absl::Status refusal(CodeOf(static_cast<int>(*code)), parts.size() == 2 ? parts[1] : "refused");
  refusal.SetPayload(kRefusalPayload, absl::Cord(absl::StrCat(*code)));
  return refusal;
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> ParseReply(absl::string_view line, size_t count) {
  if (absl::ConsumePrefix(&line, "ERR ")) return ParseRefusal(line);
  if (!absl::ConsumePrefix(&line, "OK ")) return Nonsense("its reply is neither OK nor ERR");
  std::vector<int64_t> numbers;
  // Two blanks in a row make an empty word, which is no number: there is one way to write a reply, and anything else
  // means that the two ends do not understand each other.
  for (absl::string_view word : absl::StrSplit(line, ' ')) {
    const std::optional<int64_t> number = ParseNumber(word);
    if (!number.has_value() || numbers.size() == count) return Nonsense("its reply has wrong numbers");
    numbers.push_back(*number);
  }
  // The first number is always a size or a count, and callers add it to offsets: so its sign is checked here, once for
  // all.
  if (numbers.size() != count || numbers[0] < 0) return Nonsense("its reply has wrong numbers");
  return numbers;
}

// A name holds no tab (CheckName() in files/name.h refuses control characters), so three parts are always right.
absl::StatusOr<FileInfo> ParseListLine(absl::string_view line) {
  const std::vector<absl::string_view> parts = absl::StrSplit(line, '\t');
  if (parts.size() != 3 || parts[0].empty()) return Nonsense("its listing has a malformed line");
  const std::optional<int64_t> size = ParseNumber(parts[1]);
  const std::optional<int64_t> mtime = ParseNumber(parts[2]);
  if (!size.has_value() || *size < 0 || !mtime.has_value()) return Nonsense("its listing has a malformed line");
  return FileInfo{std::string(parts[0]), *size, *mtime};
}

std::optional<int> RefusalCode(const absl::Status& status) {
  const absl::optional<absl::Cord> code = status.GetPayload(kRefusalPayload);
  int number = 0;
  if (!code.has_value() || !absl::SimpleAtoi(std::string(*code), &number)) return std::nullopt;
  return number;
}

}  // namespace polyserve
