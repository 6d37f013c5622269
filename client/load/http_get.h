// HttpGet: an exchange that GETs one file by HTTP/1.1, over and over. Each reply must have the status 200 and exactly
// the expected content; everything else about the head is ignored.
#ifndef POLYSERVE_CLIENT_LOAD_HTTP_GET_H_
#define POLYSERVE_CLIENT_LOAD_HTTP_GET_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "client/load/exchange.h"
#include "client/load/http_head.h"
#include "client/load/http_reply.h"

namespace polyserve {

//   HttpGet get(std::make_shared<const std::string>("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"), content);
//
// One object for each connection. It holds no content of its own: each piece is compared as it arrives, and forgotten.
//
// may_ask_again(): an HTTP server may close an idle connection at any time (RFC 9112, section 9.3), and a GET may be
// repeated, since it is idempotent (RFC 9110, section 9.2.2).
class HttpGet : public Exchange {
 public:
  // `request` is a whole request, its empty line included. Both strings are shared by all connections.
  HttpGet(std::shared_ptr<const std::string> request, std::shared_ptr<const std::string> content);

  absl::string_view Ask() override { return *request_; }
  Reply Take(absl::string_view& bytes) override { return reply_.Take(bytes, *this); }
  Reply TakeEnd() override { return reply_.TakeEnd(*this); }
  bool may_ask_again() const override { return true; }
  void Reset() override;

 private:
  // The checker of HttpReply.
  friend class HttpReply;
  // Each returns false if its part of the reply is wrong: the status or the announced length; a byte, or one too many;
  // one too few.
  bool OnHead(const HttpHead& head);
  bool OnContent(absl::string_view piece) { return TakeSame(*content_, taken_, piece) && piece.empty(); }
  bool OnEnd();

  const std::shared_ptr<const std::string> request_;
  const std::shared_ptr<const std::string> content_;
  HttpReply reply_;
  size_t taken_ = 0;  // Bytes of the content received.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_HTTP_GET_H_
