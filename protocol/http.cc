#include "protocol/http.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "protocol/http_files.h"
#include "protocol/http_parser.h"
#include "protocol/http_reply.h"
#include "protocol/http_target.h"

namespace polyserve {

namespace {

// The framing is lost.
constexpr HttpReplyTerms kLastReply = {.keep_alive = false};

// The addresses under /-/ are the server's own; a directory of this name in the library is not reachable by http.
bool IsServersOwn(const HttpTarget& target) { return target.name == "-" || absl::StartsWith(target.name, "-/"); }

void AnswerOwnPage(const HttpSite& site, const HttpRequest& request, Output& output) {
  WriteHttpError(404, "the server has no such page", request.TermsWithoutContent(), site, output);
}

void AnswerOptions(const HttpSite& site, const HttpRequest& request, Output& output) {
  HttpReply(204, request.terms, site).AddLines(site.AllowLine()).WriteTo(output);
  HttpReply::Finish(request.terms, output);
}

}  // namespace

HttpSession::HttpSession(std::shared_ptr<const HttpSite> site) : site_(std::move(site)) {}
HttpSession::~HttpSession() = default;

void HttpSession::OnInput(Input& input, Output& output) {
  while (!input.empty() && output.wants_more()) {
    if (!idle()) {
      TakeContent(input, output);
      // Chunks leave an unfinished line unconsumed.
      if (upload_ != nullptr) return;
      continue;
    }
    if (const std::optional<absl::string_view> head = heads_.Next(input)) {
      OnHead(*head, output);
    } else if (heads_.refusal() != nullptr) {
      WriteHttpError(heads_.refusal()->code, heads_.refusal()->why, kLastReply, *site_, output);
    } else {
      return;
    }
  }
}

void HttpSession::OnHead(absl::string_view head, Output& output) {
  HttpRequest request;
  if (const std::optional<HttpRefusal> refusal = ParseHttpHead(head, request)) {
    return WriteHttpError(refusal->code, refusal->why, kLastReply, *site_, output);
  }
  if (request.method != HttpMethod::kPut) request.terms = request.TermsWithoutContent();
  Answer(head, request, output);
  if (upload_ == nullptr && !output.closing()) discard_left_ = request.content_length.value_or(0);
}

void HttpSession::Answer(absl::string_view head, const HttpRequest& request, Output& output) {
  const auto refuse = [&](int code, absl::string_view why) {
    WriteHttpError(code, why, request.TermsWithoutContent(), *site_, output);
  };
  if (request.method == HttpMethod::kUnknown) return refuse(501, "the method is not known");
  if (request.method == HttpMethod::kOther) return refuse(405, "the method is not offered");
  if (request.method == HttpMethod::kOptions && request.target == "*") return AnswerOptions(*site_, request, output);
  const absl::StatusOr<HttpTarget> target = ParseHttpTarget(request.target);
  if (!target.ok()) return refuse(400, target.status().message());
  if (request.method == HttpMethod::kOptions) return AnswerOptions(*site_, request, output);
  if (IsServersOwn(*target)) return AnswerOwnPage(*site_, request, output);
  if (request.method != HttpMethod::kPut) return AnswerHttpRead(site_, request, *target, output);
  upload_ = HttpUpload::Start(*site_, head, request, *target, output);
  if (upload_ != nullptr && upload_->over()) upload_ = nullptr;
}

void HttpSession::TakeContent(Input& input, Output& output) {
  if (upload_ != nullptr) {
    upload_->Take(input, output);
    if (upload_->over()) upload_ = nullptr;
    return;
  }
  const int64_t count = std::min(discard_left_, static_cast<int64_t>(input.bytes().size()));
  input.Consume(static_cast<size_t>(count));
  discard_left_ -= count;
}

}  // namespace polyserve
