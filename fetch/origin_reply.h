// OriginReply: reads the one reply of another HTTP server to a GET (RFC 9110, RFC 9112). Free of I/O. Strict about
// where the content ends, since what is read is kept: by its length or its last chunk, and not by the connection's end,
// which could as well be a failure.
//
//   ──▶ kHead ──▶ kContent ──▶ kWhole        what follows is ignored
//         └──────────┴─ not HTTP, too long, or cut short ──▶ kWrong
#ifndef POLYSERVE_FETCH_ORIGIN_REPLY_H_
#define POLYSERVE_FETCH_ORIGIN_REPLY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// The fields that count; of those that come several times the first, except for lists, which are joined.
struct OriginHead {
  int status = 0;
  std::optional<int64_t> length;  // Of the content, in bytes; nothing if it comes in chunks.
  std::string etag = {};
  std::string last_modified = {};
  std::string expires = {};
  std::string date = {};
  std::string location = {};
  std::string content_encoding = {};
  std::string cache_control = {};
  std::optional<int64_t> age = std::nullopt;  // In seconds.
};

class OriginReply {
 public:
  enum class State : uint8_t { kHead, kContent, kWhole, kWrong };
  // Of a head, and of the lines within chunked content.
  static constexpr size_t kMaxHeadBytes = 16 * 1024;
  // Interim replies (1xx) before the final one, which are passed over. Real servers send two at most.
  static constexpr int kMaxInterim = 16;

  OriginReply();
  ~OriginReply();
  OriginReply(const OriginReply&) = delete;
  OriginReply& operator=(const OriginReply&) = delete;

  // Takes all these bytes, which have come next, and appends what is content. Not after kWhole or kWrong.
  State Take(absl::string_view bytes, std::string& content);
  // The connection has ended: kWhole if all had come before, else kWrong.
  State TakeEnd();

  State state() const { return state_; }
  // From kContent on.
  const OriginHead& head() const;
  // Of kWrong: in words, for peers.
  absl::string_view fault() const { return fault_; }

 private:
  class Parser;

  State Fail(absl::string_view fault);
  // After each step of the parser.
  void Look();

  std::unique_ptr<Parser> parser_;
  std::string unparsed_;   // A part of the head, or of a line.
  size_t head_bytes_ = 0;  // That the parser has taken; counts in kHead alone.
  int interim_ = 0;
  State state_ = State::kHead;
  absl::string_view fault_;
};

}  // namespace polyserve

#endif  // POLYSERVE_FETCH_ORIGIN_REPLY_H_
