// HttpUpload: a PUT in progress. The content is written to the library as it arrives, and becomes a file when all of it
// has arrived; until then no other request sees any of it. If the conversation ends early, nothing remains.
//
//   Start() ──▶ Take() ──▶ Take() ──▶ ... all content: conditions again, stored ──▶ 201 or 204 ─┐
//     │           └── a fault, or no space: the error ───────────────────────────────────────── ├─▶ over()
//     │ refused: null                        └── Expire(): 408 ─────────────────────────────────┘
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
  // Starts the upload, and writes "100 Continue" if the client waits for it. Returns null if the request is refused;
  // the reply is then written, with HttpRequest::TermsWithoutContent(). May return an upload that is already over(), if
  // the content is empty. `head` is the text that `request` was parsed from: a copy of it is kept if it has conditions,
  // which are checked now and once more when the file is stored.
  static std::unique_ptr<HttpUpload> Start(const std::shared_ptr<const HttpSite>& site, absl::string_view head,
                                           const HttpRequest& request, const HttpTarget& target, Output& output);

  // Consumes content; input behind it stays. Writes the reply when all of it has arrived or an error has occurred; see
  // over(). If `server_stops`, that reply closes the connection unless more input follows the content. Blocks for as
  // long as a write to the file does.
  // REQUIRES: !over().
  void Take(Input& input, bool server_stops, Output& output);

  // Gives up because the content arrives too slowly: writes a 408 that closes. REQUIRES: !over().
  void Expire(Output& output);

  // True once the reply is written, or a task of the output will write it. Destroy the object then.
  bool over() const { return over_; }

 private:
  HttpUpload(std::shared_ptr<const HttpSite> site, const HttpRequest& request, std::unique_ptr<Upload> file);

  // Decodes chunks if there are any, and writes the content to the file.
  absl::Status TakeContent(Input& input);
  // OutOfRange if the file would exceed --max_file_bytes.
  absl::Status Append(absl::string_view bytes);
  // All content has arrived.
  bool complete() const { return chunks_ != nullptr ? chunks_->done() : left_ == 0; }
  // Gives the file its name (StoreUpload()) and writes the reply.
  void Store(Output& output);
  // Writes an error; it closes the connection if content is still to come.
  void Refuse(const absl::Status& error, Output& output);

  const std::shared_ptr<const HttpSite> site_;
  HttpReplyTerms terms_;
  std::unique_ptr<Upload> file_;
  std::unique_ptr<HttpChunks> chunks_;  // Null if the length was announced.
  int64_t left_ = 0;                    // Bytes still to come; of a chunked content, the most that may still come.
  Upload::Condition condition_;         // Checked again at the end; null if there is none.
  bool over_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_UPLOAD_H_
