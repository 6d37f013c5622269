#include "client/load/http_head.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace polyserve {

namespace {

constexpr absl::string_view kVersion = "HTTP/1.1 ";
constexpr absl::string_view kOldVersion = "HTTP/1.0 ";
constexpr absl::string_view kEnd = "\r\n\r\n";

// The value of the first such field; nothing if there is none. `field` is "\r\nname:" in small letters. The line end in
// front keeps "x-content-length:" from being found, and every field has one, since the status line comes first. Names
// of fields ignore case (RFC 9110, section 5.1).
std::optional<absl::string_view> ValueOf(absl::string_view head, absl::string_view field) {
  const auto begin = std::search(head.begin(), head.end(), field.begin(), field.end(),
                                 [](char a, char b) { return absl::ascii_tolower(a) == b; });
  if (begin == head.end()) return std::nullopt;
  const absl::string_view value = head.substr(static_cast<size_t>(begin - head.begin()) + field.size());
  return absl::StripAsciiWhitespace(value.substr(0, value.find('\r')));
}

// Whether the comma-separated list contains the word, ignoring case. Connection is such a list (RFC 9110, section
// 7.6.1).
bool Names(absl::string_view list, absl::string_view word) {
  return absl::c_any_of(absl::StrSplit(list, ','), [word](absl::string_view each) {
    return absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(each), word);
  });
}

}  // namespace

HttpHead::State HttpHead::Take(absl::string_view& bytes) {
  State state = TakeOne(bytes);
  for (; state == State::kComplete && is_interim(); state = TakeOne(bytes)) {
    if (++interim_ > kMaxInterim) return State::kWrong;
  }
  if (state == State::kComplete) interim_ = 0;
  return state;
}

// Takes a head of either kind. One in pieces is collected in part_. `bytes` and part_ then end with the same bytes, so
// what follows the head's end in one also follows it in the other.
HttpHead::State HttpHead::TakeOne(absl::string_view& bytes) {
  // The bytes of the last head again: its figures are still here.
  if (part_.empty() && !last_.empty() && absl::StartsWith(bytes, last_)) {
    bytes.remove_prefix(last_.size());
    return State::kComplete;
  }
  absl::string_view head = bytes;
  if (!part_.empty()) {
    absl::StrAppend(&part_, bytes);
    head = part_;
  }
  // Searches a collected head from its beginning each time. That is quadratic, and bounded by kMaxBytes; heads in
  // pieces are rare, because servers usually send them in one write.
  const size_t end = head.find(kEnd);
  if (end == absl::string_view::npos) {
    if (part_.empty()) part_ = std::string(bytes);
    bytes = absl::string_view();
    return part_.size() > kMaxBytes ? State::kWrong : State::kIncomplete;
  }
  const size_t size = end + kEnd.size();
  bytes.remove_prefix(bytes.size() - (head.size() - size));
  last_ = std::string(head.substr(0, size));
  part_.clear();
  if (Parse(last_)) return State::kComplete;
  last_.clear();  // Or the same bytes would be right the next time.
  return State::kWrong;
}

// HTTP/1.1 keeps a connection unless the reply says "close", HTTP/1.0 only if it says "keep-alive" (RFC 9112, section
// 9.3).
// A Content-Length beside a Transfer-Encoding does not count (section 6.3).
bool HttpHead::Parse(absl::string_view head) {
  const bool is_old = absl::StartsWith(head, kOldVersion);
  if (!is_old && !absl::StartsWith(head, kVersion)) return false;
  // Three digits (RFC 9112, section 4).
  if (!absl::SimpleAtoi(head.substr(kVersion.size(), 3), &status_)) return false;
  const absl::string_view connection = ValueOf(head, "\r\nconnection:").value_or("");
  keeps_alive_ = is_old ? Names(connection, "keep-alive") : !Names(connection, "close");
  content_length_.reset();
  if (ValueOf(head, "\r\ntransfer-encoding:").has_value()) return true;
  const std::optional<absl::string_view> value = ValueOf(head, "\r\ncontent-length:");
  if (!value.has_value()) return true;
  uint64_t length = 0;
  if (!absl::SimpleAtoi(*value, &length)) return false;
  content_length_ = length;
  return true;
}

}  // namespace polyserve
