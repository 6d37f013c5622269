#include "protocol/http_head_finder.h"

#include <algorithm>

namespace polyserve {

namespace {

// Room for the longest method and the version beside the target.
constexpr size_t kMaxRequestLineBytes = HttpHeadFinder::kMaxTargetBytes + 64;

constexpr HttpRefusal kTargetTooLong = {414, "the request line is too long"};
constexpr HttpRefusal kHeadTooLong = {431, "the request's head is too long"};
constexpr HttpRefusal kBareLineFeed = {400, "a line must end with CR LF"};
constexpr HttpRefusal kFoldedLine = {400, "folded header lines are not taken"};

}  // namespace

std::optional<absl::string_view> HttpHeadFinder::Next(Input& input) {
  while (true) {
    const absl::string_view bytes = input.bytes();
    const size_t line_feed = bytes.find('\n', searched_);
    const size_t end = std::min(line_feed, bytes.size() - 1) + 1;  // Behind the line, or what there is of it.
    refusal_ = CheckLine(bytes, end);
    if (refusal_ != nullptr) return std::nullopt;
    if (line_feed == absl::string_view::npos) {
      searched_ = static_cast<uint32_t>(bytes.size());
      return std::nullopt;
    }
    const bool is_empty = end == line_begin_ + 2;
    if (is_empty) {
      input.Consume(end);
      const bool is_head = line_begin_ > 0;
      line_begin_ = searched_ = 0;
      if (is_head) return bytes.substr(0, end);
      if (input.empty()) return std::nullopt;
      continue;
    }
    line_begin_ = searched_ = static_cast<uint32_t>(end);
  }
}

// Bounds first, so that the answer does not depend on how the line was cut.
const HttpRefusal* HttpHeadFinder::CheckLine(absl::string_view bytes, size_t end) const {
  if (line_begin_ == 0 && end > kMaxRequestLineBytes) return &kTargetTooLong;
  if (end > kMaxHeadBytes) return &kHeadTooLong;
  if (end == line_begin_ || bytes[end - 1] != '\n') return nullptr;  // Its end is still to come.
  if (end < line_begin_ + 2 || bytes[end - 2] != '\r') return &kBareLineFeed;
  const char first = bytes[line_begin_];
  if (line_begin_ > 0 && (first == ' ' || first == '\t')) return &kFoldedLine;
  return nullptr;
}

}  // namespace polyserve
