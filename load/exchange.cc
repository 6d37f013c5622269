#include "load/exchange.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

constexpr absl::string_view kEndOfHead = "\r\n\r\n";

// Takes what belongs to `expected` behind its first `taken` bytes. False where it is not the same.
bool TakeSame(absl::string_view expected, size_t& taken, absl::string_view& bytes) {
  const size_t count = std::min(bytes.size(), expected.size() - taken);
  const bool same = bytes.substr(0, count) == expected.substr(taken, count);
  taken += count;
  bytes.remove_prefix(count);
  return same;
}

// Whether a head, its empty line included, announces so many bytes of content, and success.
bool IsGoodHead(absl::string_view head, size_t content_bytes) {
  if (!absl::StartsWith(head, "HTTP/1.1 200 ")) return false;
  constexpr absl::string_view kLength = "\r\ncontent-length:";
  const auto begin = std::search(head.begin(), head.end(), kLength.begin(), kLength.end(),
                                 [](char a, char b) { return absl::ascii_tolower(a) == b; });
  if (begin == head.end()) return false;
  absl::string_view value = head.substr(static_cast<size_t>(begin - head.begin()) + kLength.size());
  value = absl::StripAsciiWhitespace(value.substr(0, value.find('\r')));
  uint64_t length = 0;
  return absl::SimpleAtoi(value, &length) && length == content_bytes;
}

}  // namespace

FixedExchange::FixedExchange(std::shared_ptr<const std::string> request, std::shared_ptr<const std::string> reply)
    : request_(std::move(request)), reply_(std::move(reply)) {}

Exchange::Reply FixedExchange::Take(absl::string_view& bytes) {
  if (!TakeSame(*reply_, taken_, bytes)) return Reply::kWrong;
  if (taken_ < reply_->size()) return Reply::kIncomplete;
  taken_ = 0;
  return Reply::kComplete;
}

HttpExchange::HttpExchange(std::shared_ptr<const std::string> request, std::shared_ptr<const std::string> content)
    : request_(std::move(request)), content_(std::move(content)) {}

Exchange::Reply HttpExchange::Take(absl::string_view& bytes) {
  if (!in_content_ && !TakeHead(bytes)) return wrong_ ? Reply::kWrong : Reply::kIncomplete;
  if (!TakeSame(*content_, taken_, bytes)) return Reply::kWrong;
  if (taken_ < content_->size()) return Reply::kIncomplete;
  in_content_ = false;
  taken_ = 0;
  return Reply::kComplete;
}

// False where it is not complete yet, or wrong.
bool HttpExchange::TakeHead(absl::string_view& bytes) {
  absl::string_view head = bytes;
  if (!head_.empty()) {
    absl::StrAppend(&head_, bytes);
    head = head_;
  }
  const size_t end = head.find(kEndOfHead);
  if (end == absl::string_view::npos) {
    if (head_.empty()) head_ = std::string(bytes);
    bytes = absl::string_view();
    wrong_ = head_.size() > kMaxHeadBytes;
    return false;
  }
  const size_t size = end + kEndOfHead.size();
  wrong_ = !IsGoodHead(head.substr(0, size), content_->size());
  bytes.remove_prefix(bytes.size() - (head.size() - size));
  head_.clear();
  in_content_ = !wrong_;
  return in_content_;
}

}  // namespace polyserve
