// HttpRequest: the head of a request, parsed, and HttpRefusal: the answer to one that is refused. Plain data, filled by
// ParseHttpHead(). It lives for as long as one call of HttpSession::OnInput(); what has to outlive that, because a task
// writes the reply, is copied into HttpReplyTerms.
//
//   head (bytes) ── ParseHttpHead() ─┬─▶ HttpRequest ──▶ HttpSession, AnswerHttpRead(), HttpUpload
//                                    │        └── terms ──▶ HttpReply, in this call or in a task
//                                    └─▶ HttpRefusal ──▶ WriteHttpError(), and the connection closes
#ifndef POLYSERVE_PROTOCOL_HTTP_REQUEST_H_
#define POLYSERVE_PROTOCOL_HTTP_REQUEST_H_

#include <cstdint>
#include <forward_list>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// RFC 9110, section 9.
enum class HttpMethod {
  kGet,
  kHead,
  kPut,
  kOptions,
  kOther,    // Another one that Beast knows, such as POST or DELETE: 405.
  kUnknown,  // Any other word: 501.
};

class HttpLogEntry;

// What a reply has to know of the request that it answers. A copy of it outlives the request if the reply is made by a
// task.
struct HttpReplyTerms {
  // Further requests may follow (RFC 9112, section 9.3). Otherwise: "Connection: close", and the output closes.
  bool keep_alive = true;
  // The reply must say so, because an HTTP/1.0 client has asked for it.
  bool says_keep_alive = false;
  // HEAD: send the head alone. Its Content-Length is that of a GET (RFC 9110, section 9.3.2).
  bool omits_content = false;
  // Null if there is no access log.
  std::shared_ptr<HttpLogEntry> log = nullptr;
};

// Up to this length, in bytes, an unwanted content is read and discarded, so that the connection can be used again.
// Above it, closing is cheaper. The same bound as FileSession::kMaxDiscardBytes, for the same reason.
constexpr int64_t kMaxHttpDiscardBytes = 1024 * 1024;

// The views point into the parsed head, which must outlive the request, or into `joined`.
struct HttpRequest {
  using Field = std::optional<absl::string_view>;  // The value without blanks around it; nothing if it was not sent.

  HttpMethod method = HttpMethod::kUnknown;
  absl::string_view target;  // As it was sent; see ParseHttpTarget().
  HttpReplyTerms terms;

  // The framing of the content (RFC 9112, section 6); at most one of the first two is set. If neither is, there is no
  // content: a request, unlike a reply, never ends with the connection (section 6.3).
  bool chunked = false;
  std::optional<int64_t> content_length;  // In bytes.
  // "Expect: 100-continue" (RFC 9110, section 10.1.1): the client waits for a 100 before it sends the content. It may
  // lose patience and send it all the same.
  bool expects_continue = false;

  // The fields of these names. If one was sent several times, a list is joined with commas (RFC 9110, section 5.3); of
  // other fields the first one counts.
  Field host;
  Field range;
  Field if_range;
  Field if_match;
  Field if_none_match;
  Field if_modified_since;
  Field if_unmodified_since;
  Field accept_encoding;
  Field content_encoding;
  Field content_range;
  Field authorization;
  Field referer;
  Field user_agent;
  // From where a browser's request comes: "same-origin", "cross-site", ... (Fetch Metadata Request Headers). Joined.
  Field sec_fetch_site;

  // The opening handshake of a WebSocket; see websocket_handshake.h. The fields are joined like lists, although all but
  // Upgrade have one value: a second Origin then makes a text that no check accepts, instead of being ignored.
  bool wants_upgrade = false;  // "Connection: upgrade", in HTTP/1.1.
  Field upgrade;
  Field origin;
  Field sec_websocket_key;
  Field sec_websocket_version;

  // Owns the values of fields that were sent in several lines. A list, because its elements never move.
  std::forward_list<std::string> joined;

  // The server is stopping, and no request has arrived behind this one. Set by HttpSession.
  bool is_last = false;

  bool has_content() const { return chunked || content_length.value_or(0) > 0; }
  // The terms of a reply that does not use the content. The connection is kept only if the content is certain to follow
  // and short enough to discard: what is left of it would otherwise be read as the next request (RFC 9112, section
  // 9.3).
  HttpReplyTerms TermsWithoutContent() const;
  // Whether the request has any condition for CheckHttpConditions().
  bool conditional() const { return if_match || if_none_match || if_modified_since || if_unmodified_since; }
};

inline HttpReplyTerms HttpRequest::TermsWithoutContent() const {
  HttpReplyTerms result = terms;
  // A client that waits for "100 Continue" and gets a refusal may send the content or leave it out: only closing is
  // safe.
  const bool is_lost =
      chunked || content_length.value_or(0) > kMaxHttpDiscardBytes || (expects_continue && has_content());
  if (is_lost || is_last) result.keep_alive = false;
  return result;
}

// The answer to a fault of the peer: a status code, and the reason in words.
struct HttpRefusal {
  int code;
  absl::string_view why;  // Static storage.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_REQUEST_H_
