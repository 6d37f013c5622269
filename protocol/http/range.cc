#include "protocol/http/range.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace polyserve {

namespace {

// Digits alone; otherwise nothing. A number of more than 63 bits counts as the largest: it is behind the end of any
// file.
std::optional<int64_t> ParseNumber(absl::string_view digits) {
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) return std::nullopt;
  int64_t number = 0;
  return absl::SimpleAtoi(digits, &number) ? number : INT64_MAX;
}

// One of "2-5", "2-" and "-5" (RFC 9110, section 14.1.2); nothing if it is malformed, a length of 0 if it cannot be
// satisfied. The last position is cut off at the end of the file; a suffix longer than the file is the whole file. A
// last position before the first makes the field invalid (section 14.1.1), which is not the same as a part that the
// file does not have.
std::optional<HttpRange> ParseOne(absl::string_view text, int64_t file_size) {
  const size_t dash = text.find('-');
  if (dash == absl::string_view::npos) return std::nullopt;
  const absl::string_view first_text = text.substr(0, dash);
  const absl::string_view last_text = text.substr(dash + 1);
  if (first_text.empty()) {
    const std::optional<int64_t> suffix = ParseNumber(last_text);
    if (!suffix.has_value()) return std::nullopt;
    const int64_t length = std::min(*suffix, file_size);
    return HttpRange{file_size - length, length};
  }
  const std::optional<int64_t> first = ParseNumber(first_text);
  const std::optional<int64_t> last = last_text.empty() ? INT64_MAX : ParseNumber(last_text);
  if (!first.has_value() || !last.has_value() || *last < *first) return std::nullopt;
  const int64_t begin = std::min(*first, file_size);
  return HttpRange{begin, std::min(*last, file_size - 1) - begin + 1};
}

}  // namespace

HttpRanges ParseHttpRanges(absl::string_view field, int64_t file_size) {
  // A unit that is not known must be ignored (section 14.2).
  constexpr absl::string_view kUnit = "bytes=";
  // An empty file has no byte that a range could select, so a 416 would be correct too. But clients that ask for a
  // range of every file are better served with the whole, empty file.
  if (file_size == 0 || !absl::StartsWithIgnoreCase(field, kUnit)) return {};
  HttpRanges ranges;
  size_t asked = 0;
  int64_t left = file_size;
  for (absl::string_view text : absl::StrSplit(field.substr(kUnit.size()), ',')) {
    text = absl::StripAsciiWhitespace(text);
    if (text.empty()) continue;  // A list may have empty elements (RFC 9110, section 5.6.1).
    const std::optional<HttpRange> range = ParseOne(text, file_size);
    if (!range.has_value() || ++asked > kMaxHttpRanges || range->length > left) return {};
    // The sum is bounded, whether ranges overlap or not: so no reply has more content than the file.
    left -= range->length;
    if (range->length > 0) ranges.parts.push_back(*range);
  }
  if (asked == 0) return {};
  ranges.kind = ranges.parts.empty() ? HttpRanges::Kind::kUnsatisfiable : HttpRanges::Kind::kParts;
  return ranges;
}

}  // namespace polyserve
