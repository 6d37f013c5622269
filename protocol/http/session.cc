#include "protocol/http/session.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "access/access.h"
#include "base/bound_counters.h"
#include "files/log_file.h"
#include "protocol/http/files.h"
#include "protocol/http/log_entry.h"
#include "protocol/http/parser.h"
#include "protocol/http/relay_page.h"
#include "protocol/http/reply.h"
#include "protocol/http/status_pages.h"
#include "protocol/http/target.h"
#include "protocol/http/websocket_handshake.h"
#include "protocol/websocket/session.h"

namespace polyserve {

namespace {

// The part of the name behind "-/"; "" is the index. "/-" without the slash names no page, since the index has relative
// links.
absl::string_view NameOfOwnPage(const HttpTarget& target) {
  if (target.name == "-") return target.is_directory ? "" : "-";
  return absl::StripPrefix(target.name, "-/");
}

bool IsRead(const HttpRequest& request) {
  return request.method == HttpMethod::kGet || request.method == HttpMethod::kHead;
}

// HEAD as well: it gets the same refusal as a GET that is no handshake.
bool IsChat(const HttpTarget& target, const HttpRequest& request) { return IsRead(request) && target.is_chat(); }

// The same for "*" and for every path. No Content-Length: a 204 must have none (RFC 9110, section 8.6).
void AnswerOptions(const HttpSite& site, const HttpRequest& request, Output& output) {
  HttpReply(204, request.terms, site).AddLines(site.AllowLine()).WriteTo(output);
  HttpReply::Finish(request.terms, output);
}

}  // namespace

HttpSession::HttpSession(std::shared_ptr<const HttpSite> site) : site_(std::move(site)) {}
HttpSession::~HttpSession() = default;

// After an upgrade the rest of the input may already be frames, so the successor gets it in the same call. The timer is
// set last. While the output is full, none is set for a head: what is left may be a whole request, which the driver
// passes again when there is room.
void HttpSession::OnInput(Input& input, Output& output) {
  if (successor_ == nullptr) TakeRequests(input, output);
  if (successor_ == nullptr && !output.closing()) Watch(!input.empty() && output.wants_more(), output);
  if (successor_ != nullptr && !input.empty() && output.wants_more()) successor_->OnInput(input, output);
}

void HttpSession::OnPeerName(absl::string_view name) {
  if (site_->is_restricted()) authorization().set_proved_name(name);
}

void HttpSession::OnEndOfInput(Output& output) {
  if (successor_ != nullptr) return successor_->OnEndOfInput(output);
  output.Close();
}

// Without a look at the request, which is not read to its end. A client may send it again (RFC 9110, section 15.6.4),
// on another connection.
void HttpSession::OnOverload(Output& output) { WriteHttpError(503, kOverloadReason, LastReply(""), *site_, output); }

// Pipelined requests are answered in the order of their arrival (RFC 9112, section 9.3.2): one after the other, each
// completely before the next is looked at. The loop ends when the output is full, so a peer that sends requests without
// reading replies holds back only itself.
void HttpSession::TakeRequests(Input& input, Output& output) {
  while (!input.empty() && output.wants_more() && successor_ == nullptr) {
    if (!is_between_requests()) {
      TakeContent(input, output);
      // An upload that wants more content has consumed all it can; an unfinished line of a chunk stays in the input.
      if (upload_ != nullptr) return;
      continue;
    }
    const Input from_head_on = input;
    if (const std::optional<absl::string_view> head = heads_.Next(input)) {
      if (OnHead(*head, input, output)) continue;
      // The driver keeps it until the task is done: a copy for that short time would be one more to bound.
      input = from_head_on;
      return;
    }
    if (heads_.refusal() != nullptr) {
      WriteHttpError(heads_.refusal()->code, heads_.refusal()->why,
                     LastReply(input.bytes().substr(0, HttpHeadFinder::kMaxTargetBytes)), *site_, output);
    } else {
      return;
    }
  }
}

// A request in one piece, the usual case, costs nothing. The timer is not cancelled when the rest arrives: OnTime()
// ignores it then, which is cheaper. Further bytes of the same head do not set it again: a peer that sends one byte now
// and then ("Slowloris") has request_timeout for the whole head.
void HttpSession::Watch(bool has_half_a_head, Output& output) {
  const Awaits now = FindAwaited(has_half_a_head);
  if (now == awaits_) return;
  awaits_ = now;
  if (now == Awaits::kNothing) return;
  const HttpSite::Options& options = site_->options();
  output.SetTimer(now == Awaits::kNextRequest ? options.keep_alive_timeout : options.request_timeout);
}

// Before the first request, a connection has the time that the driver gives it: its client may have opened it in
// advance.
HttpSession::Awaits HttpSession::FindAwaited(bool has_half_a_head) const {
  if (!is_between_requests()) return Awaits::kContent;
  if (has_half_a_head) return Awaits::kHead;
  const bool has_limit = requests_ > 0 && site_->options().keep_alive_timeout < absl::InfiniteDuration();
  return has_limit ? Awaits::kNextRequest : Awaits::kNothing;
}

// A content has another rule than a head, since an honest one may take hours: it must keep up a rate, measured anew in
// each request_timeout.
void HttpSession::OnTime(Output& output) {
  if (successor_ != nullptr) return successor_->OnTime(output);
  if (awaits_ == Awaits::kNothing) return;  // The rest has arrived.
  if (awaits_ == Awaits::kNextRequest) {
    CountBound(site_->options().counters, &BoundCounters::keep_alive_timeout);
    return output.Close();  // Without a word: there is no request that it could answer (RFC 9112, section 9.5).
  }
  if (awaits_ == Awaits::kContent && content_bytes_ >= HttpSite::kMinContentBytes) {
    content_bytes_ = 0;
    return output.SetTimer(site_->options().request_timeout);
  }
  CountBound(site_->options().counters, &BoundCounters::request_timeout);
  if (awaits_ == Awaits::kHead) {
    WriteHttpError(408, "the request does not come in time", LastReply(""), *site_, output);
  } else if (upload_ != nullptr) {
    upload_->Expire(output);
    upload_ = nullptr;
  } else {
    output.Close();  // Unwanted content: its request was answered before.
  }
}

// Only PUT uses content. For all other methods the terms are those of a reply that does not; what follows is discarded
// (RFC 9110, section 9.3.1: content of a GET has no meaning), or the connection closes.
bool HttpSession::OnHead(absl::string_view head, const Input& behind, Output& output) {
  awaits_ = Awaits::kNothing;
  content_bytes_ = 0;
  HttpRequest request;
  if (const std::optional<HttpRefusal> refusal = ParseHttpHead(head, request)) {
    WriteHttpError(refusal->code, refusal->why, LastReply(head), *site_, output);
    return true;
  }
  request.terms.log = StartLogEntry(head, request);
  const int most = site_->options().max_requests_per_connection;
  const bool is_last_allowed = most > 0 && requests_ + 1 >= most;
  if (is_last_allowed) request.terms.keep_alive = false;
  // While the server stops, the reply to the last request received announces the end (RFC 9112, section 9.6), so that
  // no client sends a request into a closing connection. Input behind the head, beyond the content, is another request.
  const bool may_be_last = is_stopping_ && !behind.more_may_follow();
  request.is_last = may_be_last && static_cast<int64_t>(behind.bytes().size()) <= request.content_length.value_or(0);
  if (request.method != HttpMethod::kPut) request.terms = request.TermsWithoutContent();  // Nothing else uses content.
  if (!Answer(head, request, output)) return false;
  if (fetch_ != nullptr) fetch_->Forget();
  is_admitted_ = false;
  ++requests_;
  if (is_last_allowed) CountBound(site_->options().counters, &BoundCounters::max_requests_per_connection);
  if (upload_ == nullptr && !output.closing()) discard_left_ = request.content_length.value_or(0);
  return true;
}

// It does not know whether the method is HEAD, so the reply may have content that a HEAD must not get. The connection
// closes behind it.
HttpReplyTerms HttpSession::LastReply(absl::string_view head) const {
  return {.keep_alive = false, .log = StartLogEntry(head, HttpRequest())};
}

// On the heap, and shared: the line is written when the reply is complete, perhaps by a task after the request is gone.
std::shared_ptr<HttpLogEntry> HttpSession::StartLogEntry(absl::string_view head, const HttpRequest& request) const {
  const std::shared_ptr<LogFile>& file = site_->options().access_log;
  if (file == nullptr) return nullptr;
  const HttpLogEntry::Request entry = {.peer = peer_ != nullptr ? absl::string_view(*peer_) : "-",
                                       .date = site_->Date(),
                                       .line = head.substr(0, head.find_first_of("\r\n")),
                                       .referer = request.referer.value_or(""),
                                       .user_agent = request.user_agent.value_or("")};
  return std::make_shared<HttpLogEntry>(file, entry);
}

// While the sender of a request is being verified, its head is passed several times.
bool HttpSession::Admit() {
  if (!site_->limits_rate() || is_admitted_) return true;
  is_admitted_ = site_->options().address_limits->TakeRequest(peer_ != nullptr ? absl::string_view(*peer_) : "-");
  return is_admitted_;
}

// The checks go from the connection to the resource. The rate comes first, since it bounds what all others cost, then
// the host: a page that reaches this server under a foreign name must not learn anything from it, not even its methods.
// "OPTIONS *" is not about a path (RFC 9112, section 3.2.4), so it precedes the parsing of the target. OPTIONS needs no
// right: a browser asks it without credentials (CORS), and it tells nothing of the files.
bool HttpSession::Answer(absl::string_view head, const HttpRequest& request, Output& output) {
  const auto refuse = [&](int code, absl::string_view why) {
    WriteHttpError(code, why, request.TermsWithoutContent(), *site_, output);
    return true;
  };
  if (!Admit()) {
    // At the lowest rate, one more may come in a second.
    WriteHttpError(429, "too many requests from this address", request.TermsWithoutContent(), *site_, output,
                   "Retry-After: 1\r\n");
    return true;
  }
  if (!site_->options().allowed_hosts.Allow(request.host.value_or(""))) {
    return refuse(421, "the server does not answer for this host (--allowed_hosts)");
  }
  if (request.method == HttpMethod::kUnknown) return refuse(501, "the method is not known");
  if (request.method == HttpMethod::kOther) return refuse(405, "the method is not offered");
  if (request.method == HttpMethod::kOptions && request.target == "*") {
    AnswerOptions(*site_, request, output);
    return true;
  }
  const absl::StatusOr<HttpTarget> target = ParseHttpTarget(request.target);
  if (!target.ok()) return refuse(400, target.status().message());
  if (request.method == HttpMethod::kOptions) {
    AnswerOptions(*site_, request, output);
    return true;
  }
  const HttpAuthorization::Result result = Authorize(request, *target, output);
  if (result == HttpAuthorization::Result::kAllowed) return Serve(head, request, *target, output);
  return result != HttpAuthorization::Result::kPending;
}

HttpAuthorization::Result HttpSession::Authorize(const HttpRequest& request, const HttpTarget& target, Output& output) {
  if (!site_->is_restricted()) return HttpAuthorization::Result::kAllowed;
  return authorization().Check(request, target, output);
}

// Made when it is first needed: most connections of most servers need none.
HttpAuthorization& HttpSession::authorization() {
  if (authorization_ == nullptr) {
    authorization_ = std::make_unique<HttpAuthorization>(site_, peer_ != nullptr ? absl::string_view(*peer_) : "-");
  }
  return *authorization_;
}

// As above.
FileFetch* HttpSession::fetch() {
  if (fetch_ == nullptr && site_->options().fetcher != nullptr) {
    fetch_ = std::make_unique<FileFetch>(site_->options().fetcher);
  }
  return fetch_.get();
}

bool HttpSession::Serve(absl::string_view head, const HttpRequest& request, const HttpTarget& target, Output& output) {
  if (IsChat(target, request) && site_->options().chat != nullptr) return OpenWebSocket(request, output), true;
  if (IsRead(request) && target.is_relay()) return AnswerRelay(site_, request, target.query, output), true;
  if (target.is_servers_own()) return AnswerOwnPage(*site_, request, NameOfOwnPage(target), output), true;
  if (request.method != HttpMethod::kPut) return AnswerHttpRead(site_, request, target, fetch(), output);
  upload_ = HttpUpload::Start(site_, head, request, target, output);
  if (upload_ != nullptr && upload_->over()) upload_ = nullptr;
  return true;
}

// The access log gets one line, for the handshake, however long the WebSocket lasts. The new terms keep the connection
// open, whatever "Connection" said besides "Upgrade".
void HttpSession::OpenWebSocket(const HttpRequest& request, Output& output) {
  if (const std::optional<HttpRefusal> refusal = CheckWebSocketRequest(request)) {
    const absl::string_view fields = refusal->code == 426 ? kWebSocketRequiredLines : "";
    return WriteHttpError(refusal->code, refusal->why, request.TermsWithoutContent(), *site_, output, fields);
  }
  const HttpReplyTerms terms = {.log = request.terms.log};
  HttpReply(101, terms, *site_).AddLines(WebSocketReplyLines(request)).WriteTo(output);
  HttpReply::Finish(terms, output);
  // From here on every call goes to it, and the input behind the head is its first frame.
  const Permissions permissions = authorization_ != nullptr ? authorization_->permissions() : Permissions();
  const absl::string_view address = peer_ != nullptr ? absl::string_view(*peer_) : "";
  successor_ = WebSocketSession::Start(site_->options().chat(address, permissions), output);
}

// Counts what has arrived, not what is stored: the framing of small chunks is progress as well.
void HttpSession::TakeContent(Input& input, Output& output) {
  const size_t size = input.bytes().size();
  if (upload_ != nullptr) {
    upload_->Take(input, is_stopping_, output);
    if (upload_->over()) upload_ = nullptr;
  } else {
    const int64_t count = std::min(discard_left_, static_cast<int64_t>(size));
    input.Consume(static_cast<size_t>(count));
    discard_left_ -= count;
  }
  content_bytes_ += static_cast<int64_t>(size - input.bytes().size());
}

}  // namespace polyserve
