#include "protocol/http_upload.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/http_conditions.h"
#include "protocol/http_reply.h"

namespace polyserve {

namespace {

constexpr absl::string_view kFailedCondition = "the file is not in the state that the request names";

// What a PUT must not ask for, since it would not be stored as it is meant.
std::optional<HttpRefusal> CheckFields(const HttpRequest& request, const HttpTarget& target) {
  if (!request.chunked && !request.content_length.has_value()) return HttpRefusal{411, "the Content-Length is missing"};
  if (request.content_range.has_value()) return HttpRefusal{400, "parts of files are not taken"};
  if (request.content_encoding.has_value() && !absl::EqualsIgnoreCase(*request.content_encoding, "identity")) {
    return HttpRefusal{415, "the file has to be sent without a Content-Encoding"};
  }
  if (target.is_directory) return HttpRefusal{409, "the name is a directory's"};
  return std::nullopt;
}

bool ConditionsHold(const HttpSite& site, const HttpRequest& request, absl::string_view name) {
  const absl::StatusOr<FileStamp> current = site.library().Stat(name);
  return CheckHttpConditions(request, current.ok() ? &*current : nullptr) == HttpVerdict::kGoOn;
}

int UploadErrorCode(const absl::Status& error) { return absl::IsAlreadyExists(error) ? 412 : HttpCode(error); }

}  // namespace

std::unique_ptr<HttpUpload> HttpUpload::Start(const HttpSite& site, absl::string_view head, const HttpRequest& request,
                                              const HttpTarget& target, Output& output) {
  const auto refuse = [&](int code, absl::string_view why) {
    WriteHttpError(code, why, request.TermsWithoutContent(), site, output);
    return nullptr;
  };
  if (const std::optional<HttpRefusal> refusal = CheckFields(request, target))
    return refuse(refusal->code, refusal->why);
  absl::StatusOr<std::unique_ptr<Upload>> file =
      site.library().StartUpload(target.name, request.content_length.value_or(0));
  if (!file.ok()) return refuse(HttpCode(file.status()), file.status().message());
  if (request.conditional() && !ConditionsHold(site, request, target.name)) return refuse(412, kFailedCondition);

  std::unique_ptr<HttpUpload> upload(new HttpUpload(site, request, target, *std::move(file)));
  if (request.conditional()) upload->conditions_ = std::string(head);
  if (request.expects_continue && request.has_content()) output.Write("HTTP/1.1 100 Continue\r\n\r\n");
  if (upload->complete()) upload->Store(output);
  return upload;
}

HttpUpload::HttpUpload(const HttpSite& site, const HttpRequest& request, const HttpTarget& target,
                       std::unique_ptr<Upload> file)
    : site_(site), terms_(request.terms), name_(target.name), file_(std::move(file)) {
  if (request.chunked) chunks_ = std::make_unique<HttpChunks>();
  left_ = request.chunked ? site.library().options().max_file_bytes : *request.content_length;
}

void HttpUpload::Take(Input& input, Output& output) {
  if (absl::Status status = TakeContent(input); !status.ok()) return Refuse(status, output);
  if (complete()) Store(output);
}

absl::Status HttpUpload::TakeContent(Input& input) {
  if (chunks_ != nullptr) {
    return chunks_->Take(input, [this](absl::string_view bytes) { return Append(bytes); });
  }
  const absl::string_view bytes =
      input.bytes().substr(0, static_cast<size_t>(std::min(left_, static_cast<int64_t>(input.bytes().size()))));
  input.Consume(bytes.size());
  return Append(bytes);
}

absl::Status HttpUpload::Append(absl::string_view bytes) {
  if (static_cast<int64_t>(bytes.size()) > left_) {
    return absl::OutOfRangeError(
        absl::StrCat("files may have at most ", site_.library().options().max_file_bytes, " bytes"));
  }
  left_ -= static_cast<int64_t>(bytes.size());
  return file_->Append(bytes);
}

// Conditions are asked again, as the file may have changed while its successor came. Between the question and the
// answer there is a moment left, but not for "If-None-Match: *": two who make the same file are always told apart.
void HttpUpload::Store(Output& output) {
  Upload::WhenTaken when_taken = Upload::WhenTaken::kReplace;
  if (!conditions_.empty()) {
    HttpRequest request;
    ParseHttpHead(conditions_, request);
    if (!ConditionsHold(site_, request, name_)) return Refuse(absl::AlreadyExistsError(kFailedCondition), output);
    if (request.if_none_match == "*") when_taken = Upload::WhenTaken::kFail;
  }
  const absl::StatusOr<Upload::Stored> stored = file_->Store(when_taken);
  if (!stored.ok()) return Refuse(stored.status(), output);
  const bool is_new = *stored == Upload::Stored::kNew;
  HttpReply reply(is_new ? 201 : 204, terms_, site_);
  if (is_new) reply.Add("Content-Length", 0);
  if (const absl::StatusOr<FileStamp> stamp = file_->Stamp(); stamp.ok()) reply.Add("ETag", HttpETag(*stamp));
  reply.WriteTo(output);
  HttpReply::Finish(terms_, output);
  over_ = true;
}

void HttpUpload::Expire(Output& output) {
  terms_.keep_alive = false;
  WriteHttpError(408, "the content does not come in time", terms_, site_, output);
  over_ = true;
}

void HttpUpload::Refuse(const absl::Status& error, Output& output) {
  if (!complete()) terms_.keep_alive = false;
  WriteHttpError(UploadErrorCode(error), error.message(), terms_, site_, output);
  over_ = true;
}

}  // namespace polyserve
