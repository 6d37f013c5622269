// HttpHead: parses the heads of HTTP/1.x replies, one after the other, as far as a load generator needs them: the
// status, the length of the content, and whether the connection stays open. Fast, and lenient: it is for servers that
// are known to be correct. A general client needs a full parser. Interim replies (100, 103) are passed over, since the
// final one follows (RFC 9110, section 15.2); 101 is none of them: what follows it is no HTTP.
//
//   HttpHead head;
//   while (head.Take(bytes) == HttpHead::State::kComplete) bytes.remove_prefix(head.content_length().value());
#ifndef POLYSERVE_CLIENT_LOAD_HTTP_HEAD_H_
#define POLYSERVE_CLIENT_LOAD_HTTP_HEAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// One object for each connection; not thread-safe. A head that arrives in one piece and has the bytes of the last one,
// the usual case, costs one comparison.
class HttpHead {
 public:
  // kIncomplete: more bytes are needed. kWrong: not a head of HTTP/1.x, or too long, or behind too many interim ones.
  enum class State { kIncomplete, kComplete, kWrong };
  // A head that is longer, and whose end has not come, is kWrong: so a server that never ends its head costs no more
  // memory. One that arrives whole, in one piece, is taken whatever its length.
  static constexpr size_t kMaxBytes = 16 * 1024;
  // Interim replies before one final reply. Real servers send two at most (100 and 103); one that sends nothing else
  // must not keep a request waiting for ever.
  static constexpr int kMaxInterim = 16;

  // Consumes bytes from the front, up to the end of the next final reply's head, however the bytes are sliced. Call
  // again for the next head, when the content between them has been consumed; after kWrong, only after Reset().
  State Take(absl::string_view& bytes);

  // The following are of the last complete head.
  int status() const { return status_; }
  // Nothing if the content is chunked, or ends with the connection.
  std::optional<uint64_t> content_length() const { return content_length_; }
  // The reply can have no content, whatever its head says: 204 and 304.
  bool has_no_content() const { return status_ == 204 || status_ == 304; }
  // False if the server says that it closes the connection after this reply.
  bool keeps_alive() const { return keeps_alive_; }
  // The whole head, with its empty line; valid until the next head.
  absl::string_view text() const { return last_; }

  // True if no byte of the next head has arrived, nor an interim reply before it.
  bool is_at_start() const { return part_.empty() && interim_ == 0; }

  // Forgets an incomplete head, and the interim replies before it.
  void Reset() {
    part_.clear();
    interim_ = 0;
  }

 private:
  State TakeOne(absl::string_view& bytes);
  bool Parse(absl::string_view head);
  bool is_interim() const { return status_ >= 100 && status_ < 200 && status_ != 101; }

  std::string part_;  // An incomplete head.
  std::string last_;  // Heads differ in their Date only, once a second: identical bytes are not parsed again.
  int interim_ = 0;   // Interim replies since the last final one.
  int status_ = 0;
  std::optional<uint64_t> content_length_;
  bool keeps_alive_ = true;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_HTTP_HEAD_H_
