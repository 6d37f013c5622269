// HttpRequest: the head of a request, parsed, and HttpRefusal: the answer to one that is refused. Plain data, filled by
// ParseHttpHead().
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
  kOther,    // A registered method that this server does not offer: 405.
  kUnknown,  // Any other word: 501.
};

class HttpLogEntry;

// What a reply has to know of the request that it answers. A copy of it outlives the request if the reply is made by a
// task.
struct HttpReplyTerms {
  bool keep_alive = true;        // Further requests may follow. Otherwise: "Connection: close", and the output closes.
  bool says_keep_alive = false;  // The reply must say so, because an HTTP/1.0 client has asked for it.
  bool omits_content = false;    // HEAD: send the head alone.
  std::shared_ptr<HttpLogEntry> log = nullptr;  // Null if there is no access log.
};

// Up to this length an unwanted content is read and discarded, so that the connection can be used again. Above it,
// closing is cheaper.
constexpr int64_t kMaxHttpDiscardBytes = 1024 * 1024;

// The views point into the parsed head, which must outlive the request, or into `joined`.
struct HttpRequest {
  using Field = std::optional<absl::string_view>;  // The value without blanks around it; nothing if it was not sent.

  HttpMethod method = HttpMethod::kUnknown;
  absl::string_view target;  // As it was sent; see ParseHttpTarget().
  HttpReplyTerms terms;

  // The framing of the content (RFC 9112, section 6); at most one of the first two is set.
  bool chunked = false;
  std::optional<int64_t> content_length;  // In bytes.
  bool expects_continue = false;          // "Expect: 100-continue": the client waits for a 100 before the content.

  // The field of that name each. If it was sent several times, a list is joined with commas (RFC 9110, section 5.3);
  // of other fields the first one counts.
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
  Field referer;
  Field user_agent;

  // The opening handshake of a WebSocket; see websocket_handshake.h.
  bool wants_upgrade = false;  // "Connection: upgrade", in HTTP/1.1.
  Field upgrade;
  Field origin;
  Field sec_websocket_key;
  Field sec_websocket_version;

  std::forward_list<std::string> joined;  // Owns the values of fields that were sent in several lines.

  bool is_last = false;  // The server is stopping, and no request has arrived behind this one. Set by HttpSession.

  bool has_content() const { return chunked || content_length.value_or(0) > 0; }
  // The terms of a reply that does not use the content. The connection is kept only if the content is certain to follow
  // and short enough to discard.
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
