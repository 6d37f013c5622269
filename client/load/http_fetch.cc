#include "client/load/http_fetch.h"

#include <utility>

namespace polyserve {

void HttpFetch::Choose(const HttpTarget& target) {
  target_ = &target;
  reply_.ExpectContent(!target.is_head);
}

// A head without a length is not wrong: the reply may be chunked, and a server may leave the field out of its answer to
// HEAD (RFC 9110, section 8.6). What is announced must be right, or the exchange would wait for bytes that never come.
bool HttpFetch::OnHead(const HttpHead& head) const {
  return head.status() == 200 && head.content_length().value_or(target_->bytes) == target_->bytes;
}

bool HttpFetch::OnContent(absl::string_view piece) {
  // The difference cannot be negative: this line has kept taken_ within bounds so far.
  if (piece.size() > target_->bytes - taken_) return false;
  const bool is_same = !target_->content.has_value() || target_->content->substr(taken_, piece.size()) == piece;
  taken_ += piece.size();
  return is_same;
}

// A chunked reply shows only here that it was too short. taken_ is reset in any case, since the next reply begins.
bool HttpFetch::OnEnd() {
  const uint64_t taken = std::exchange(taken_, 0);
  return target_->is_head || taken == target_->bytes;
}

// The target stays: asking again must ask for the same file.
void HttpFetch::Reset() {
  reply_.Reset();
  taken_ = 0;
}

}  // namespace polyserve
