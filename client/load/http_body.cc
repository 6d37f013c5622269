#include "client/load/http_body.h"

// One of Beast's own assertions is wrong (1.74, parse_chunk_header): it expects at least 5 bytes, and fails if the last
// chunk is the first one and only its line has arrived.
#define BOOST_DISABLE_ASSERTS
#define BOOST_BEAST_USE_STD_STRING_VIEW
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <limits>
#include <string_view>

namespace polyserve {

namespace http = boost::beast::http;
using boost::system::error_code;

// basic_parser is the part of Beast that needs no stream and no message: it calls these functions, and keeps nothing.
// HttpHead has bounded the head, and the caller bounds the content, so Beast's own limits (8 KiB for heads, 8 MiB for
// bodies of replies) are lifted. Eager: one put() parses the body behind the head, too.
class HttpBody::Parser : public http::basic_parser<false> {
 public:
  Parser() {
    header_limit(std::numeric_limits<std::uint32_t>::max());
    body_limit(std::numeric_limits<std::uint64_t>::max());
    eager(true);
  }

  std::string content;

 protected:
  void on_request_impl(http::verb, std::string_view, std::string_view, int, error_code&) override {}
  void on_response_impl(int, std::string_view, int, error_code&) override {}
  void on_field_impl(http::field, std::string_view, std::string_view, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  size_t on_body_impl(std::string_view body, error_code&) override { return Keep(body); }
  void on_chunk_header_impl(std::uint64_t, std::string_view, error_code&) override {}
  size_t on_chunk_body_impl(std::uint64_t, std::string_view body, error_code&) override { return Keep(body); }
  void on_finish_impl(error_code&) override {}

 private:
  size_t Keep(std::string_view body) {
    content.append(body);
    return body.size();
  }
};

HttpBody::HttpBody() = default;
HttpBody::~HttpBody() = default;
HttpBody::HttpBody(HttpBody&& other) noexcept = default;

// Beast has to see the head again to learn how the body is framed.
void HttpBody::Start(absl::string_view head) {
  parser_ = std::make_unique<Parser>();
  unparsed_ = std::string(head);
}

// put() stops at each line or chunk that is incomplete, and says how much it has taken. need_more is not an error then;
// but a rest that grows beyond a line's bound would never be complete.
HttpBody::State HttpBody::Take(absl::string_view& bytes, std::string& content) {
  // Kept to find the end again: what is left of unparsed_ at the end of the reply is also the end of these bytes.
  const absl::string_view fresh = bytes;
  unparsed_.append(bytes.data(), bytes.size());
  bytes = absl::string_view();
  error_code error;
  size_t taken = 0;
  do {
    taken = parser_->put(boost::asio::buffer(unparsed_), error);
    unparsed_.erase(0, taken);
    if (error == http::error::need_more) error = {};
  } while (!error && taken > 0 && !parser_->is_done() && !unparsed_.empty());
  content.append(parser_->content);
  parser_->content.clear();
  // Content is taken as it comes, in pieces of any size, so a rest this long can only be a line without an end.
  if (error || (!parser_->is_done() && unparsed_.size() > kMaxLineBytes)) return State::kWrong;
  if (!parser_->is_done()) return State::kIncomplete;
  bytes = fresh.substr(fresh.size() - unparsed_.size());  // The next reply's.
  unparsed_.clear();
  return State::kComplete;
}

// The close may be the end that the head has announced, by announcing neither a length nor chunks (RFC 9112, section
// 6.3, the last rule). A chunked content ends with its last chunk only, and put_eof() reports anything before it as cut
// off.
HttpBody::State HttpBody::TakeEnd() {
  error_code error;
  if (unparsed_.empty()) parser_->put_eof(error);
  return unparsed_.empty() && !error && parser_->is_done() ? State::kComplete : State::kWrong;
}

}  // namespace polyserve
