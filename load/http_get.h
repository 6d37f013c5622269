// HttpGet: GETs of one file by HTTP/1.1. The head has to say 200 and the content's length, and the content is always
// the same.
#ifndef POLYSERVE_LOAD_HTTP_GET_H_
#define POLYSERVE_LOAD_HTTP_GET_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "load/exchange.h"
#include "load/http_head.h"

namespace polyserve {

class HttpGet : public Exchange {
 public:
  HttpGet(std::shared_ptr<const std::string> request, std::shared_ptr<const std::string> content);

  absl::string_view Ask() override { return *request_; }
  Reply Take(absl::string_view& bytes) override;
  void Reset() override;

 private:
  const std::shared_ptr<const std::string> request_;
  const std::shared_ptr<const std::string> content_;
  HttpHead head_;
  bool in_content_ = false;
  size_t taken_ = 0;  // Of the content.
};

}  // namespace polyserve

#endif  // POLYSERVE_LOAD_HTTP_GET_H_
