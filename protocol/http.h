// http: the file library over HTTP/1.1 (RFC 9110, RFC 9112): GET, HEAD, PUT and OPTIONS, with ranges, conditions,
// keep-alive and pipelining. What it does on the wire is told in docs/protocols.md.
//
// Where a request's end is not beyond doubt, it is refused and the connection closed. Bounds: HttpHeadFinder's for a
// head, HttpChunks' for a chunk's line; content is never held. Time limits are the driver's.
#ifndef POLYSERVE_PROTOCOL_HTTP_H_
#define POLYSERVE_PROTOCOL_HTTP_H_

#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "protocol/http_head_finder.h"
#include "protocol/http_request.h"
#include "protocol/http_site.h"
#include "protocol/http_upload.h"
#include "protocol/session.h"

namespace polyserve {

class HttpSession : public Session {
 public:
  explicit HttpSession(std::shared_ptr<const HttpSite> site);
  ~HttpSession() override;

  void OnInput(Input& input, Output& output) override;
  bool idle() const override { return upload_ == nullptr && discard_left_ == 0; }

 private:
  void OnHead(absl::string_view head, Output& output);
  void Answer(absl::string_view head, const HttpRequest& request, Output& output);
  void TakeContent(Input& input, Output& output);

  // Between requests it holds no more than this: there may be very many sessions.
  const std::shared_ptr<const HttpSite> site_;
  HttpHeadFinder heads_;
  std::unique_ptr<HttpUpload> upload_;  // Takes the content that comes.
  int64_t discard_left_ = 0;            // So much of it is thrown away.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_H_
