#include "client/load/http_fetch.h"

#include <utility>

namespace polyserve {

void HttpFetch::Choose(const HttpTarget& target) {
  target_ = &target;
  reply_.ExpectContent(!target.is_head);
}

bool HttpFetch::OnHead(const HttpHead& head) const {
  return head.status() == 200 && head.content_length().value_or(target_->bytes) == target_->bytes;
}

bool HttpFetch::OnContent(absl::string_view piece) {
  if (piece.size() > target_->bytes - taken_) return false;
  const bool is_same = !target_->content.has_value() || target_->content->substr(taken_, piece.size()) == piece;
  taken_ += piece.size();
  return is_same;
}

bool HttpFetch::OnEnd() {
  const uint64_t taken = std::exchange(taken_, 0);
  return target_->is_head || taken == target_->bytes;
}

void HttpFetch::Reset() {
  reply_.Reset();
  taken_ = 0;
}

}  // namespace polyserve
