#include "load/http_get.h"

#include <utility>

namespace polyserve {

HttpGet::HttpGet(std::shared_ptr<const std::string> request, std::shared_ptr<const std::string> content)
    : request_(std::move(request)), content_(std::move(content)) {}

Exchange::Reply HttpGet::Take(absl::string_view& bytes) {
  if (!in_content_) {
    const HttpHead::State state = head_.Take(bytes);
    if (state == HttpHead::State::kIncomplete) return Reply::kIncomplete;
    if (state == HttpHead::State::kWrong || head_.status() != 200) return Reply::kWrong;
    if (head_.content_length() != content_->size()) return Reply::kWrong;
    in_content_ = true;
  }
  if (!TakeSame(*content_, taken_, bytes)) return Reply::kWrong;
  if (taken_ < content_->size()) return Reply::kIncomplete;
  in_content_ = false;
  taken_ = 0;
  return Reply::kComplete;
}

void HttpGet::Reset() {
  head_.Reset();
  in_content_ = false;
  taken_ = 0;
}

}  // namespace polyserve
