#include "protocol/http/parser.h"

// Some of Beast's own assertions are wrong (1.74, parse_chunk_header), and a peer must not be able to end the server.
#define BOOST_DISABLE_ASSERTS
#define BOOST_BEAST_USE_STD_STRING_VIEW
#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <limits>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "protocol/http/head_finder.h"
#include "protocol/http/host.h"

namespace polyserve {

namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

absl::string_view View(std::string_view text) { return absl::string_view(text.data(), text.size()); }

// Beast's parser calls a virtual function for each thing that it finds. This class answers the calls that HeadParser
// has no use for. Those about content never come: put() stops at the end of the head.
class QuietParser : public http::basic_parser<true> {
 public:
  QuietParser() {
    // HttpHeadFinder and --max_file_bytes set the bounds. Beast's own defaults are tighter (a head of 8 KiB, a content
    // of 1 MiB), and it applies the second one to the announced length.
    header_limit(std::numeric_limits<std::uint32_t>::max());
    body_limit(std::numeric_limits<std::uint64_t>::max());
  }

 protected:
  void on_request_impl(http::verb, std::string_view, std::string_view, int, error_code&) override {}
  void on_response_impl(int, std::string_view, int, error_code&) override {}
  void on_field_impl(http::field, std::string_view, std::string_view, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  size_t on_body_impl(std::string_view body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, std::string_view, error_code&) override {}
  size_t on_chunk_body_impl(std::uint64_t, std::string_view body, error_code&) override { return body.size(); }
  void on_finish_impl(error_code&) override {}
};

// Beast knows the usual methods, those of WebDAV included. "Not offered" (405) and "not known" (501) are different
// answers: RFC 9110, section 9.1. Methods are case-sensitive: "get" is not GET.
HttpMethod MethodOf(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return HttpMethod::kGet;
    case http::verb::head:
      return HttpMethod::kHead;
    case http::verb::put:
      return HttpMethod::kPut;
    case http::verb::options:
      return HttpMethod::kOptions;
    case http::verb::unknown:
      return HttpMethod::kUnknown;
    default:
      return HttpMethod::kOther;
  }
}

// The authority of an absolute target; nothing if it is a path, or "*". A path may hold "://" as well, so the slash at
// its beginning decides.
std::optional<absl::string_view> AuthorityOf(absl::string_view target) {
  if (absl::StartsWith(target, "/")) return std::nullopt;
  const size_t scheme_end = target.find("://");
  if (scheme_end == absl::string_view::npos) return std::nullopt;
  const absl::string_view rest = target.substr(scheme_end + 3);
  return rest.substr(0, rest.find_first_of("/?#"));
}

// Parses one head. A callback cannot return a refusal, so the first one is kept in refusal_ while Beast reads on: the
// fault that stands first in the head decides, whatever follows it.
class HeadParser : public QuietParser {
 public:
  explicit HeadParser(HttpRequest& request) : request_(request) {}

  std::optional<HttpRefusal> Parse(absl::string_view head) {
    error_code error;
    // Beast stops at its own error, so a refusal that is there by then stands in front of it.
    put({head.data(), head.size()}, error);
    if (refusal_.has_value()) return refusal_;
    if (error || !is_header_done()) return HttpRefusal{400, "the request's head is malformed"};
    // RFC 9112, section 9.3: HTTP/1.1 keeps the connection unless told to close it; HTTP/1.0 closes it unless told to
    // keep it, and then has to hear that the server complies. An Upgrade in HTTP/1.0 must be ignored (RFC 9110, section
    // 7.8).
    request_.terms.keep_alive = keep_alive();
    request_.terms.says_keep_alive = request_.terms.keep_alive && !http_1_1_;
    request_.wants_upgrade = upgrade() && http_1_1_;
    request_.terms.omits_content = request_.method == HttpMethod::kHead;
    return CheckFraming();
  }

 protected:
  void on_request_impl(http::verb verb, std::string_view, std::string_view target, int version, error_code&) override {
    request_.method = MethodOf(verb);
    request_.target = View(target);
    http_1_1_ = version >= 11;
  }

  void on_field_impl(http::field field, std::string_view name, std::string_view text, error_code&) override {
    const absl::string_view value = View(text);
    switch (field) {
      case http::field::host:
        return TakeHost(value);
      case http::field::content_length:
        return TakeContentLength(value);
      case http::field::transfer_encoding:
        return TakeTransferEncoding(value);
      case http::field::expect:
        return TakeExpect(value);
      case http::field::range:
        return TakeSingle(value, request_.range);
      case http::field::if_range:
        return TakeSingle(value, request_.if_range);
      case http::field::if_match:
        return TakeList(value, request_.if_match);
      case http::field::if_none_match:
        return TakeList(value, request_.if_none_match);
      case http::field::if_modified_since:
        return TakeSingle(value, request_.if_modified_since);
      case http::field::if_unmodified_since:
        return TakeSingle(value, request_.if_unmodified_since);
      case http::field::accept_encoding:
        return TakeList(value, request_.accept_encoding);
      case http::field::content_encoding:
        return TakeList(value, request_.content_encoding);
      case http::field::content_range:
        return TakeSingle(value, request_.content_range);
      // Joined, so that a second one makes credentials that are no one's, instead of being ignored.
      case http::field::authorization:
        return TakeList(value, request_.authorization);
      case http::field::referer:
        return TakeSingle(value, request_.referer);
      case http::field::user_agent:
        return TakeSingle(value, request_.user_agent);
      case http::field::upgrade:
        return TakeList(value, request_.upgrade);
      case http::field::origin:
        return TakeList(value, request_.origin);
      case http::field::sec_websocket_key:
        return TakeList(value, request_.sec_websocket_key);
      case http::field::sec_websocket_version:
        return TakeList(value, request_.sec_websocket_version);
      // RFC 9110, section 5.1, has recipients ignore the fields that they do not know. Beast has read Connection
      // itself, for keep_alive() and upgrade(), and has no number for the one that is looked for here.
      default:
        if (absl::EqualsIgnoreCase(View(name), "Sec-Fetch-Site")) TakeList(value, request_.sec_fetch_site);
    }
  }

 private:
  void Refuse(int code, absl::string_view why) {
    if (!refusal_.has_value()) refusal_ = HttpRefusal{code, why};
  }

  // A second Host is the classic way to have a proxy route by one name and the server answer for another. RFC 9112,
  // section 3.2, demands the 400 for it, and for a malformed one.
  void TakeHost(absl::string_view value) {
    if (request_.host.has_value()) Refuse(400, "there is more than one Host");
    if (!ParseHttpHost(value).has_value()) Refuse(400, "the Host is malformed");
    request_.host = value;
  }

  // RFC 9112, section 3.2.2: the authority of an absolute target counts, and the Host beside it must be ignored. It is
  // checked all the same, because a proxy may have gone by it.
  void TakeAuthority() {
    const std::optional<absl::string_view> authority = AuthorityOf(request_.target);
    if (!authority.has_value()) return;
    // Userinfo ("user@host") fails here as well: RFC 9110, section 4.2.4, has recipients treat it as an error, since it
    // is used to make a URL look like another site's.
    if (authority->empty() || !ParseHttpHost(*authority).has_value())
      Refuse(400, "the host of the target is malformed");
    request_.host = *authority;
  }

  void TakeContentLength(absl::string_view value) {
    // Beast would take the same length twice, and a list of equal ones. RFC 9110, section 8.6, leaves both to the
    // recipient; refusing is the choice that no other reader can disagree with.
    if (request_.content_length.has_value()) return Refuse(400, "there is more than one Content-Length");
    if (value.empty() || !std::all_of(value.begin(), value.end(), absl::ascii_isdigit)) {
      return Refuse(400, "the Content-Length is malformed");
    }
    // Only digits are left, so what fails here is too large for 63 bits. It must not wrap around to a small number.
    int64_t length = 0;
    if (!absl::SimpleAtoi(value, &length)) return Refuse(413, "the content is too large");
    request_.content_length = length;
  }

  // Even "gzip, chunked" gets the 501 of RFC 9112, section 6.1: whether the last coding is chunked decides how the
  // content is framed, and readers of such lists have differed.
  void TakeTransferEncoding(absl::string_view value) {
    if (request_.chunked) return Refuse(400, "there is more than one Transfer-Encoding");
    request_.chunked = true;
    if (!absl::EqualsIgnoreCase(value, "chunked")) Refuse(501, "chunked is the only Transfer-Encoding that is known");
  }

  void TakeExpect(absl::string_view value) {
    if (!http_1_1_) return;  // RFC 9110, section 10.1.1.
    // A 417 is what RFC 9110, section 10.1.1, offers for an expectation that is not known: none but this one was ever
    // defined.
    if (!absl::EqualsIgnoreCase(value, "100-continue"))
      Refuse(417, "100-continue is the only expectation that is known");
    request_.expects_continue = true;
  }

  // For fields that have one value. Repeating them is a fault of the sender, but none of them affects the framing: the
  // first one counts.
  static void TakeSingle(absl::string_view value, HttpRequest::Field& field) {
    if (!field.has_value()) field = value;
  }

  // RFC 9110, section 5.3: several lines of a list mean the same as one line with their values in this order. The
  // joined text needs an owner whose addresses are stable, since earlier views may point into it.
  void TakeList(absl::string_view value, HttpRequest::Field& field) {
    if (!field.has_value()) {
      field = value;
    } else {
      field = request_.joined.emplace_front(absl::StrCat(*field, ", ", value));
    }
  }

  // What can be judged only when all fields are known. Beast refuses some of these heads itself, before it calls back;
  // the rules are repeated here so that they do not depend on the version of a library.
  std::optional<HttpRefusal> CheckFraming() {
    if (http_1_1_ && !request_.host.has_value()) Refuse(400, "the Host is missing");
    if (request_.chunked && !http_1_1_) Refuse(400, "HTTP/1.0 has no Transfer-Encoding");
    if (request_.chunked && request_.content_length.has_value()) {
      Refuse(400, "there are both Content-Length and Transfer-Encoding");
    }
    TakeAuthority();
    // HttpHeadFinder bounds the whole request line, and lets a target pass that is a little too long.
    if (request_.target.size() > HttpHeadFinder::kMaxTargetBytes) Refuse(414, "the request target is too long");
    return refusal_;
  }

  HttpRequest& request_;
  bool http_1_1_ = false;
  std::optional<HttpRefusal> refusal_;
};

}  // namespace

std::optional<HttpRefusal> ParseHttpHead(absl::string_view head, HttpRequest& request) {
  return HeadParser(request).Parse(head);
}

}  // namespace polyserve
