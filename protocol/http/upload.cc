#include "protocol/http/upload.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/http/conditions.h"
#include "protocol/http/parser.h"
#include "protocol/http/reply.h"
#include "protocol/store_upload.h"

namespace polyserve {

namespace {

// What a PUT must not ask for, since the file would not be stored as the client means it: RFC 9110, section 14.5 for
// Content-Range (a part would replace the whole), section 8.4 for Content-Encoding (the file would be served without
// it). A request without a length has no content (RFC 9112, section 6.3), so a client that forgot it would replace the
// file by an empty one.
std::optional<HttpRefusal> CheckFields(const HttpRequest& request, const HttpTarget& target) {
  if (!request.chunked && !request.content_length.has_value()) return HttpRefusal{411, "the Content-Length is missing"};
  if (request.content_range.has_value()) return HttpRefusal{400, "parts of files are not taken"};
  if (request.content_encoding.has_value() && !absl::EqualsIgnoreCase(*request.content_encoding, "identity")) {
    return HttpRefusal{415, "the file has to be sent without a Content-Encoding"};
  }
  if (target.is_directory) return HttpRefusal{409, "the name is a directory's"};
  return std::nullopt;
}

// The conditions of a request as a function that outlives it; null if it has none. The fields of a request are views,
// so the head is copied, and parsed again each time. An upload without conditions pays for none of this.
// ParseHttpHead() cannot fail here: it has taken the same bytes before.
Upload::Condition ConditionOf(absl::string_view head, const HttpRequest& request) {
  if (!request.conditional()) return nullptr;
  return [head = std::string(head)](const FileStamp* current) {
    HttpRequest parsed;
    ParseHttpHead(head, parsed);
    return CheckHttpConditions(parsed, current) == HttpVerdict::kGoOn;
  };
}

// AlreadyExists is Upload::Check()'s and Upload::Store()'s word for a condition that does not hold.
int UploadErrorCode(const absl::Status& error) { return absl::IsAlreadyExists(error) ? 412 : HttpCode(error); }

// The reply to an upload that was stored, or was refused at the end. A 204 must have no Content-Length (RFC 9110,
// section 8.6), while a client would read a 201 without one up to the end of the connection. An ETag is allowed,
// because the content is stored without any transformation (section 9.3.4); the client can use it for its next
// If-Match.
void WriteStored(const absl::StatusOr<Upload::Stored>& stored, const Upload& file, const HttpReplyTerms& terms,
                 const HttpSite& site, Output& output) {
  if (!stored.ok()) {
    return WriteHttpError(UploadErrorCode(stored.status()), stored.status().message(), terms, site, output);
  }
  const bool is_new = *stored == Upload::Stored::kNew;
  HttpReply reply(is_new ? 201 : 204, terms, site);
  if (is_new) reply.Add("Content-Length", 0);
  if (const absl::StatusOr<FileStamp> stamp = file.Stamp(); stamp.ok()) reply.Add("ETag", HttpETag(*stamp));
  reply.WriteTo(output);
  HttpReply::Finish(terms, output);
}

}  // namespace

std::unique_ptr<HttpUpload> HttpUpload::Start(const std::shared_ptr<const HttpSite>& site, absl::string_view head,
                                              const HttpRequest& request, const HttpTarget& target, Output& output) {
  const auto refuse = [&](int code, absl::string_view why) {
    WriteHttpError(code, why, request.TermsWithoutContent(), *site, output);
    return nullptr;
  };
  // All that can be known now is checked before the 100: a client that waits for it is spared sending a content that is
  // refused in the end.
  if (const std::optional<HttpRefusal> refusal = CheckFields(request, target))
    return refuse(refusal->code, refusal->why);
  absl::StatusOr<std::unique_ptr<Upload>> file =
      site->library().StartUpload(target.name, request.content_length.value_or(0));
  if (!file.ok()) return refuse(HttpCode(file.status()), file.status().message());
  Upload::Condition condition = ConditionOf(head, request);
  if (absl::Status status = (*file)->Check(condition); !status.ok()) {
    return refuse(UploadErrorCode(status), status.message());
  }

  std::unique_ptr<HttpUpload> upload(new HttpUpload(site, request, *std::move(file)));
  upload->condition_ = std::move(condition);
  if (request.expects_continue && request.has_content()) output.Write("HTTP/1.1 100 Continue\r\n\r\n");
  // An empty content gives OnInput() nothing to pass to Take(), so it is stored here.
  if (!upload->complete()) return upload;
  upload->terms_ = request.TermsWithoutContent();
  upload->Store(output);
  return upload;
}

HttpUpload::HttpUpload(std::shared_ptr<const HttpSite> site, const HttpRequest& request, std::unique_ptr<Upload> file)
    : site_(std::move(site)), terms_(request.terms), file_(std::move(file)) {
  if (request.chunked) chunks_ = std::make_unique<HttpChunks>();
  left_ = request.chunked ? site_->library().options().max_file_bytes : *request.content_length;
}

void HttpUpload::Take(Input& input, bool server_stops, Output& output) {
  const absl::Status status = TakeContent(input);
  if (status.ok() && !complete()) return;
  // If a request stands behind the content, its reply is the last one, and will say so.
  if (server_stops && input.empty() && !input.more_may_follow()) terms_.keep_alive = false;
  // Store() may leave the reply to a task, so terms_ has to be right before it.
  status.ok() ? Store(output) : Refuse(status, output);
}

// Takes at most left_ bytes of a content of known length: what is behind them is the next request.
absl::Status HttpUpload::TakeContent(Input& input) {
  if (chunks_ != nullptr) {
    return chunks_->Take(input, [this](absl::string_view bytes) { return Append(bytes); });
  }
  const absl::string_view bytes =
      input.bytes().substr(0, static_cast<size_t>(std::min(left_, static_cast<int64_t>(input.bytes().size()))));
  input.Consume(bytes.size());
  return Append(bytes);
}

// The bound can be exceeded by chunks alone, which do not announce their sum; StartUpload() has checked an announced
// length.
absl::Status HttpUpload::Append(absl::string_view bytes) {
  if (static_cast<int64_t>(bytes.size()) > left_) {
    return absl::OutOfRangeError(
        absl::StrCat("files may have at most ", site_->library().options().max_file_bytes, " bytes"));
  }
  left_ -= static_cast<int64_t>(bytes.size());
  return file_->Append(bytes);
}

// Checks the conditions again, since the file may have changed while its successor arrived. This time the directory is
// locked: of two uploads that name the same state, one is stored, and the other gets 412 (the "lost update" of RFC
// 9110, section 13.1.1). The reply may be written by a task, after this object has gone: the function owns all that it
// needs.
void HttpUpload::Store(Output& output) {
  over_ = true;
  StoreUpload(
      std::move(file_), std::move(condition_),
      [site = site_, terms = terms_](const absl::StatusOr<Upload::Stored>& stored, const Upload& file, Output& reply) {
        WriteStored(stored, file, terms, *site, reply);
      },
      output);
}

void HttpUpload::Expire(Output& output) {
  terms_.keep_alive = false;
  WriteHttpError(408, "the content does not come in time", terms_, *site_, output);
  over_ = true;
}

// If content is still to come its end may be unknown (a malformed chunk), or it may be too long to wait for.
void HttpUpload::Refuse(const absl::Status& error, Output& output) {
  if (!complete()) terms_.keep_alive = false;
  WriteHttpError(UploadErrorCode(error), error.message(), terms_, *site_, output);
  over_ = true;
}

}  // namespace polyserve
