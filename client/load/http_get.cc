#include "client/load/http_get.h"

#include <utility>

namespace polyserve {

HttpGet::HttpGet(std::shared_ptr<const std::string> request, std::shared_ptr<const std::string> content)
    : request_(std::move(request)), content_(std::move(content)) {}

// A length that is wrong fails here: waiting for content that never comes would show as an unanswered request.
bool HttpGet::OnHead(const HttpHead& head) {
  return head.status() == 200 && head.content_length().value_or(content_->size()) == content_->size();
}

// A reply without an announced length may end too early; OnContent() sees only what is too much.
bool HttpGet::OnEnd() { return std::exchange(taken_, 0) == content_->size(); }

void HttpGet::Reset() {
  reply_.Reset();
  taken_ = 0;
}

}  // namespace polyserve
