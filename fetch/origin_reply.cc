#include "fetch/origin_reply.h"

// Some of Beast's own assertions are wrong (1.74, parse_chunk_header), and a peer must not be able to end the fetcher.
#define BOOST_DISABLE_ASSERTS
#define BOOST_BEAST_USE_STD_STRING_VIEW
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

namespace http = boost::beast::http;
using boost::system::error_code;

// Calls these functions, and keeps nothing. Eager: one put() parses the content behind the head, too.
class OriginReply::Parser : public http::basic_parser<false> {
 public:
  Parser() {
    header_limit(kMaxHeadBytes);
    body_limit(std::numeric_limits<std::uint64_t>::max());  // The caller bounds it.
    eager(true);
  }

  OriginHead head;
  std::string* content = nullptr;
  bool has_head = false;
  // Both could be read by different rules (RFC 9112, section 6.1): where the content ends is in doubt.
  bool has_length = false;
  bool has_coding = false;
  // Within the chunks, for example gzip: they do not hold the file itself, and the request named no such coding (TE).
  bool has_other_coding = false;

 protected:
  void on_request_impl(http::verb, std::string_view, std::string_view, int, error_code&) override {}
  void on_response_impl(int status, std::string_view, int, error_code&) override { head.status = status; }
  // Not of the trailers: what stands behind the content may not change what was said before it (RFC 9110, section
  // 6.5.1), and may have come too late for that.
  void on_field_impl(http::field field, std::string_view, std::string_view value, error_code&) override {
    if (has_head) return;
    switch (field) {
      case http::field::etag:
        return Set(head.etag, value);
      case http::field::last_modified:
        return Set(head.last_modified, value);
      case http::field::expires:
        return Set(head.expires, value);
      case http::field::date:
        return Set(head.date, value);
      case http::field::location:
        return Set(head.location, value);
      case http::field::content_encoding:
        return Join(head.content_encoding, value);
      case http::field::cache_control:
        return Join(head.cache_control, value);
      case http::field::age:
        if (int64_t age = 0; absl::SimpleAtoi(View(value), &age) && age >= 0) head.age = age;
        return;
      case http::field::content_length:
        has_length = true;
        return;
      case http::field::transfer_encoding:
        has_coding = true;
        if (!absl::EqualsIgnoreCase(View(value), "chunked")) has_other_coding = true;
        return;
      default:
        return;
    }
  }
  void on_header_impl(error_code&) override { has_head = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  size_t on_body_impl(std::string_view body, error_code&) override { return Keep(body); }
  void on_chunk_header_impl(std::uint64_t, std::string_view, error_code&) override {}
  size_t on_chunk_body_impl(std::uint64_t, std::string_view body, error_code&) override { return Keep(body); }
  void on_finish_impl(error_code&) override {}

 private:
  static absl::string_view View(std::string_view text) { return absl::string_view(text.data(), text.size()); }
  static void Set(std::string& field, std::string_view value) {
    if (field.empty()) field = std::string(value);
  }
  static void Join(std::string& field, std::string_view value) {
    absl::StrAppend(&field, field.empty() ? "" : ",", View(value));
  }
  // Only a final reply has content.
  size_t Keep(std::string_view body) {
    content->append(body);
    return body.size();
  }
};

OriginReply::OriginReply() : parser_(std::make_unique<Parser>()) {}
OriginReply::~OriginReply() = default;

const OriginHead& OriginReply::head() const { return parser_->head; }

OriginReply::State OriginReply::Fail(absl::string_view fault) {
  state_ = State::kWrong;
  fault_ = fault;
  return state_;
}

// put() stops at each line or chunk that is incomplete, and says how much it has taken; need_more is no error then. A
// rest that grows beyond the bound of a line would never be complete. Nor would a head whose lines come one by one: the
// parser's own limit is that of the lines which it is passed at a time. What is behind a whole reply is not looked at:
// the request said that no other one follows.
OriginReply::State OriginReply::Take(absl::string_view bytes, std::string& content) {
  unparsed_.append(bytes.data(), bytes.size());
  size_t taken = 0;
  do {
    error_code error;
    parser_->content = &content;
    taken = parser_->put(boost::asio::buffer(unparsed_), error);
    unparsed_.erase(0, taken);
    if (error && error != http::error::need_more) return Fail("does not speak HTTP as it should");
    head_bytes_ += taken;
    Look();
    if (state_ == State::kHead && head_bytes_ > kMaxHeadBytes) return Fail("does not end its head");
  } while (taken > 0 && !unparsed_.empty() && (state_ == State::kHead || state_ == State::kContent));
  const bool is_open = state_ == State::kHead || state_ == State::kContent;
  if (is_open && unparsed_.size() > kMaxHeadBytes) return Fail("does not end a line");
  return state_;
}

// Only a 200 has a content that is wanted. For 204, 304 and interim replies Beast knows that there is none.
void OriginReply::Look() {
  if (state_ == State::kHead && parser_->has_head) {
    const int status = parser_->head.status;
    if (parser_->is_done() && status >= 100 && status < 200 && status != 101) {
      if (++interim_ > kMaxInterim) return static_cast<void>(Fail("sends interim replies without end"));
      parser_ = std::make_unique<Parser>();
      head_bytes_ = 0;
      return;
    }
    if (parser_->has_length && parser_->has_coding) return static_cast<void>(Fail("names two ends of its answer"));
    if (parser_->has_length && parser_->content_length().has_value()) {
      const std::uint64_t length = *parser_->content_length();
      if (length > INT64_MAX) return static_cast<void>(Fail("names a length that no file has"));
      parser_->head.length = static_cast<int64_t>(length);
    }
    if (status == 200 && parser_->has_other_coding) {
      return static_cast<void>(Fail("has sent the file in a coding"));
    }
    if (status == 200 && !parser_->head.length.has_value() && !parser_->chunked()) {
      return static_cast<void>(Fail("does not say how long its answer is, so one that is cut short would be kept"));
    }
    state_ = State::kContent;
  }
  if (state_ == State::kContent && parser_->is_done()) state_ = State::kWhole;
}

OriginReply::State OriginReply::TakeEnd() {
  if (state_ == State::kHead) return Fail("has ended the connection without an answer");
  if (state_ == State::kContent) return Fail("has ended the connection within its answer");
  return state_;
}

}  // namespace polyserve
