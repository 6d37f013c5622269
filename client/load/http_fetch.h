// HttpFetch: an exchange that fetches another file with each request, by GET or HEAD of HTTP/1.1. Each reply must have
// the status 200 and the expected length; if the content is known, every byte of it is compared.
#ifndef POLYSERVE_CLIENT_LOAD_HTTP_FETCH_H_
#define POLYSERVE_CLIENT_LOAD_HTTP_FETCH_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "client/load/exchange.h"
#include "client/load/http_head.h"
#include "client/load/http_reply.h"

namespace polyserve {

// A file, and how it is requested. Plain data: targets are made before the run, and shared by all threads, which only
// read them.
struct HttpTarget {
  std::string request;  // The whole request, its empty line included.
  bool is_head = false;
  uint64_t bytes = 0;                        // The length that the reply must have, or, to HEAD, announce.
  std::optional<absl::string_view> content;  // What the reply must be; nothing: only its length is checked.
};

// One object for each connection, with one request under way at a time. It holds no content of its own. Not
// thread-safe; nothing blocks. A reply without an announced length takes the slow path of HttpBody.
//
//   Choose(target) ──▶ Ask() ──▶ Take() ... ──▶ kComplete ──▶ Choose() the next one
//
// may_ask_again(): GET and HEAD may be repeated (RFC 9110, section 9.2.2); Ask() then asks for the same target.
class HttpFetch : public Exchange {
 public:
  // Chooses what Ask() requests, until the next call. The target must outlive its reply. REQUIRES: no request is under
  // way.
  void Choose(const HttpTarget& target);

  // REQUIRES: a target was chosen.
  absl::string_view Ask() override { return target_->request; }
  Reply Take(absl::string_view& bytes) override { return reply_.Take(bytes, *this); }
  Reply TakeEnd() override { return reply_.TakeEnd(*this); }
  bool may_ask_again() const override { return true; }
  // Keeps the target.
  void Reset() override;

 private:
  // The checker of HttpReply.
  friend class HttpReply;
  // Each returns false if its part of the reply is wrong.
  bool OnHead(const HttpHead& head) const;
  bool OnContent(absl::string_view piece);
  bool OnEnd();

  const HttpTarget* target_ = nullptr;
  HttpReply reply_;
  uint64_t taken_ = 0;  // Bytes of the content received.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_HTTP_FETCH_H_
