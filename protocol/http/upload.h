// HttpUpload: a PUT under way. Its content goes into the library as it comes, and is a file when all of it is there.
#ifndef POLYSERVE_PROTOCOL_HTTP_UPLOAD_H_
#define POLYSERVE_PROTOCOL_HTTP_UPLOAD_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "files/library.h"
#include "protocol/http/chunks.h"
#include "protocol/http/request.h"
#include "protocol/http/site.h"
#include "protocol/http/target.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

class HttpUpload {
 public:
  // Takes the request on, and tells a client that waits for it to go on ("100 Continue"). Returns null if it is
  // refused: the reply is written then, by HttpRequest::TermsWithoutContent(). `head` is what `request` was parsed
  // from.
  static std::unique_ptr<HttpUpload> Start(const std::shared_ptr<const HttpSite>& site, absl::string_view head,
                                           const HttpRequest& request, const HttpTarget& target, Output& output);

  // Takes content. Writes the reply once it has all of it, or something has gone wrong; see over(). While the server
  // stops, it is the connection's last one unless more input is behind the content.
  void Take(Input& input, bool server_stops, Output& output);

  // Gives it up, since its content does not come in time: writes the reply.
  void Expire(Output& output);

  // The reply is written, or will be by a task of the output.
  bool over() const { return over_; }

 private:
  HttpUpload(std::shared_ptr<const HttpSite> site, const HttpRequest& request, std::unique_ptr<Upload> file);

  absl::Status TakeContent(Input& input);
  absl::Status Append(absl::string_view bytes);
  bool complete() const { return chunks_ != nullptr ? chunks_->done() : left_ == 0; }
  void Store(Output& output);
  void Refuse(const absl::Status& error, Output& output);

  const std::shared_ptr<const HttpSite> site_;
  HttpReplyTerms terms_;
  std::unique_ptr<Upload> file_;
  std::unique_ptr<HttpChunks> chunks_;  // Null where the length was announced.
  int64_t left_ = 0;                    // So much of it is to come; in chunks, so much may come at most.
  Upload::Condition condition_;         // Asked once more at the end; null if there is none.
  bool over_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_UPLOAD_H_
