// HttpReply: parses HTTP/1.x replies, one after the other, head and content; a checker decides what is right. A content
// whose length is announced costs next to nothing; any other takes the slow path of HttpBody.
//
//   in the head (HttpHead) ── complete ──▶ in the content, fast or slow ── complete ──▶ OnEnd(), in the next head
#ifndef POLYSERVE_CLIENT_LOAD_HTTP_REPLY_H_
#define POLYSERVE_CLIENT_LOAD_HTTP_REPLY_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "client/load/exchange.h"
#include "client/load/http_body.h"
#include "client/load/http_head.h"

namespace polyserve {

// One object for each connection; not thread-safe. It copies no content: the checker gets each piece as it arrives. A
// template, so that the compiler can inline the checker: this code runs for each piece of each reply.
class HttpReply {
 public:
  // As Exchange::Take() and TakeEnd(): consumes up to the end of one reply; kLast if the server closes behind it. A
  // checker has these functions; each returns false if its part is wrong:
  //   bool OnHead(const HttpHead& head);        // Complete; valid during the call.
  //   bool OnContent(absl::string_view piece);  // Decoded, in order; may be empty.
  //   bool OnEnd();                             // The reply is complete; the next calls are about the next one.
  template <typename Checker>
  Exchange::Reply Take(absl::string_view& bytes, Checker& checker) {
    if (!in_content_) {
      const HttpHead::State state = head_.Take(bytes);
      if (state == HttpHead::State::kIncomplete) return Exchange::Reply::kIncomplete;
      if (state == HttpHead::State::kWrong || !checker.OnHead(head_)) return Exchange::Reply::kWrong;
      in_content_ = true;
      // A reply to HEAD announces the length that GET would have, and 204 and 304 end with their head (RFC 9112,
      // section 6.3).
      const bool has_content = expects_content_ && !head_.has_no_content();
      left_ = has_content ? head_.content_length().value_or(0) : 0;
      is_slow_ = has_content && !head_.content_length().has_value();
      if (is_slow_) body_.Start(head_.text());
    }
    // A content of no bytes is complete with its head, so this goes on even if nothing is left of `bytes`: waiting for
    // more would wait for the next reply.
    if (is_slow_) return TakeSlowly(bytes, checker);
    const absl::string_view piece = bytes.substr(0, std::min<uint64_t>(left_, bytes.size()));
    bytes.remove_prefix(piece.size());
    left_ -= piece.size();
    if (!checker.OnContent(piece)) return Exchange::Reply::kWrong;
    return left_ > 0 ? Exchange::Reply::kIncomplete : Finish(checker, head_.keeps_alive());
  }

  // The end of the connection ends a reply whose head announces no length and no chunks (RFC 9112, section 6.3), and
  // cuts off any other.
  template <typename Checker>
  Exchange::Reply TakeEnd(Checker& checker) {
    if (!in_content_) return head_.is_at_start() ? Exchange::Reply::kIncomplete : Exchange::Reply::kWrong;
    if (!is_slow_ || body_.TakeEnd() != HttpBody::State::kComplete) return Exchange::Reply::kWrong;
    return Finish(checker, false);
  }

  // False: the replies from now on are to HEAD, so that no content follows their heads. True at first. Call it between
  // two replies.
  void ExpectContent(bool expects_content) { expects_content_ = expects_content; }

  // A new connection begins: an incomplete reply is forgotten.
  void Reset() {
    head_.Reset();
    in_content_ = false;
  }

 private:
  // The content has no announced length: HttpBody decodes it, into a string of its own for each piece.
  template <typename Checker>
  Exchange::Reply TakeSlowly(absl::string_view& bytes, Checker& checker) {
    std::string content;
    const HttpBody::State state = body_.Take(bytes, content);
    if (state == HttpBody::State::kWrong || !checker.OnContent(content)) return Exchange::Reply::kWrong;
    return state == HttpBody::State::kIncomplete ? Exchange::Reply::kIncomplete : Finish(checker, head_.keeps_alive());
  }

  // The next byte is of the next head.
  template <typename Checker>
  Exchange::Reply Finish(Checker& checker, bool keeps_alive) {
    in_content_ = false;
    if (!checker.OnEnd()) return Exchange::Reply::kWrong;
    return keeps_alive ? Exchange::Reply::kComplete : Exchange::Reply::kLast;
  }

  HttpHead head_;
  HttpBody body_;
  bool expects_content_ = true;
  bool in_content_ = false;
  bool is_slow_ = false;  // The content has no announced length.
  uint64_t left_ = 0;     // Bytes of the content still to come, if it has.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_HTTP_REPLY_H_
