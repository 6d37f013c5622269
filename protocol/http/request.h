// HttpRequest: what the head of a request says, and what a refused one is answered with. The views point into the head.
#ifndef POLYSERVE_PROTOCOL_HTTP_REQUEST_H_
#define POLYSERVE_PROTOCOL_HTTP_REQUEST_H_

#include <cstdint>
#include <forward_list>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

enum class HttpMethod {
  kGet,
  kHead,
  kPut,
  kOptions,
  kOther,    // One that HTTP knows and this server does not offer: 405.
  kUnknown,  // 501
};

class HttpLogEntry;

// What a reply has to know of the request that it answers.
struct HttpReplyTerms {
  bool keep_alive = true;        // Further requests may follow; otherwise the reply says that it is the last one.
  bool says_keep_alive = false;  // An HTTP/1.0 client has asked for it, and must be told.
  bool omits_content = false;    // HEAD: the head alone.
  std::shared_ptr<HttpLogEntry> log = nullptr;  // Null if there is no log.
};

// So much content that nobody wants is read and thrown away, so that the connection can go on.
constexpr int64_t kMaxHttpDiscardBytes = 1024 * 1024;

struct HttpRequest {
  using Field = std::optional<absl::string_view>;  // Nothing: was not sent.

  HttpMethod method = HttpMethod::kUnknown;
  absl::string_view target;  // As it was sent.
  HttpReplyTerms terms;

  bool chunked = false;
  std::optional<int64_t> content_length;
  bool expects_continue = false;

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

  bool wants_upgrade = false;  // "Connection: upgrade", in HTTP/1.1.
  Field upgrade;
  Field origin;
  Field sec_websocket_key;
  Field sec_websocket_version;

  std::forward_list<std::string> joined;  // Owns the values of fields that were sent in several lines.

  bool is_last = false;  // The server stops, and nothing has come behind it.

  bool has_content() const { return chunked || content_length.value_or(0) > 0; }
  // The terms of a reply that leaves the content unwanted: the last one, unless it is known to be short and on its way.
  HttpReplyTerms TermsWithoutContent() const;
  bool conditional() const { return if_match || if_none_match || if_modified_since || if_unmodified_since; }
};

inline HttpReplyTerms HttpRequest::TermsWithoutContent() const {
  HttpReplyTerms result = terms;
  // Who waits for "100 Continue" may leave the content out when it is told no, or may not: only closing is safe.
  const bool is_lost =
      chunked || content_length.value_or(0) > kMaxHttpDiscardBytes || (expects_continue && has_content());
  if (is_lost || is_last) result.keep_alive = false;
  return result;
}

// A status code for the peer's fault, and what is wrong.
struct HttpRefusal {
  int code;
  absl::string_view why;  // Lives for ever.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_REQUEST_H_
