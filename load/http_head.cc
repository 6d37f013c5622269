#include "load/http_head.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

constexpr absl::string_view kVersion = "HTTP/1.1 ";
constexpr absl::string_view kEnd = "\r\n\r\n";
constexpr absl::string_view kLength = "\r\ncontent-length:";

}  // namespace

HttpHead::State HttpHead::Take(absl::string_view& bytes) {
  if (part_.empty() && !last_.empty() && absl::StartsWith(bytes, last_)) {
    bytes.remove_prefix(last_.size());
    return State::kComplete;
  }
  absl::string_view head = bytes;
  if (!part_.empty()) {
    absl::StrAppend(&part_, bytes);
    head = part_;
  }
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
  last_.clear();
  return State::kWrong;
}

bool HttpHead::Parse(absl::string_view head) {
  if (!absl::StartsWith(head, kVersion) || !absl::SimpleAtoi(head.substr(kVersion.size(), 3), &status_)) return false;
  content_length_.reset();
  const auto begin = std::search(head.begin(), head.end(), kLength.begin(), kLength.end(),
                                 [](char a, char b) { return absl::ascii_tolower(a) == b; });
  if (begin == head.end()) return true;
  absl::string_view value = head.substr(static_cast<size_t>(begin - head.begin()) + kLength.size());
  uint64_t length = 0;
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(value.substr(0, value.find('\r'))), &length)) return false;
  content_length_ = length;
  return true;
}

}  // namespace polyserve
