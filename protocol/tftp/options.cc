#include "protocol/tftp/options.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

// The range of RFC 2348. The largest block fits into an IPv4 datagram of 65,535 bytes, with the headers of IP, UDP and
// TFTP (20, 8 and 4 bytes).
constexpr int64_t kLeastBlockBytes = 8;
constexpr int64_t kMostBlockBytes = 65464;

// A number beyond all sizes is as good as the largest. SimpleAtoi() alone would also take signs and blanks, and fails
// for a number of more than 63 bits.
std::optional<int64_t> ParseNumber(const std::string& digits) {
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) return std::nullopt;
  int64_t number = 0;
  return absl::SimpleAtoi(digits, &number) ? number : INT64_MAX;
}

// A block size above the range is lowered to it, which the acknowledgement may do (RFC 2348: "less than or equal to").
// A time-out cannot be changed by the server (RFC 2349), so one out of range is ignored, as if it had not been there.
void Apply(const std::string& option, int64_t number, bool is_write, TftpTerms& terms) {
  if (option == "blksize" && number >= kLeastBlockBytes) {
    terms.block_bytes = static_cast<size_t>(std::min(number, kMostBlockBytes));
    terms.has_block_bytes = true;
  } else if (option == "timeout" && number >= 1 && number <= 255) {
    terms.timeout = absl::Seconds(number);
    terms.has_timeout = true;
  } else if (option == "windowsize" && number >= 1 && number <= 65535) {
    terms.window = number;
    terms.has_window = true;
  } else if (option == "tsize") {
    // In an upload it is the size of the file, in a download a question, with the value 0 (RFC 2349).
    if (is_write) terms.announced_bytes = number;
    terms.asks_for_size = !is_write;
  }
}

}  // namespace

// An unknown option is no error: the server leaves it out of the acknowledgement (RFC 2347).
absl::StatusOr<TftpTerms> ReadTftpTerms(const TftpRequest& request) {
  TftpTerms terms;
  for (const auto& [option, value] : request.options) {
    if (option != "blksize" && option != "timeout" && option != "windowsize" && option != "tsize") continue;
    const std::optional<int64_t> number = ParseNumber(value);
    if (!number.has_value()) return absl::InvalidArgumentError(absl::StrCat("the value of ", option, " is no number"));
    Apply(option, *number, request.is_write, terms);
  }
  // Windows are counted in blocks, memory in bytes: with blocks of 64 KiB a window has no more than 16. RFC 7440,
  // section 3, lets the server answer with a smaller window.
  const int64_t most_at_once = TftpTerms::kMaxWindowBytes / static_cast<int64_t>(terms.block_bytes);
  terms.window = std::min({terms.window, TftpTerms::kMaxWindow, most_at_once});
  return terms;
}

// Only options that the request has may be acknowledged (RFC 2347), so the has_... flags decide, not the values.
TftpOptions AcceptedTftpOptions(const TftpTerms& terms, std::optional<int64_t> file_bytes) {
  TftpOptions options;
  if (terms.has_block_bytes) options.emplace_back("blksize", absl::StrCat(terms.block_bytes));
  if (terms.has_timeout) options.emplace_back("timeout", absl::StrCat(absl::ToInt64Seconds(terms.timeout)));
  if (terms.has_window) options.emplace_back("windowsize", absl::StrCat(terms.window));
  if (terms.announced_bytes.has_value()) options.emplace_back("tsize", absl::StrCat(*terms.announced_bytes));
  if (terms.asks_for_size && file_bytes.has_value()) options.emplace_back("tsize", absl::StrCat(*file_bytes));
  return options;
}

}  // namespace polyserve
