// HttpHead: parses the heads of HTTP/1.x replies, one after the other, as far as a load generator needs them: the
// status, the length of the content, and whether the connection stays open. Fast, and lenient: it is for servers that
// are known to be correct. A general client needs a full parser.
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
  // kIncomplete: more bytes are needed. kWrong: not a head of HTTP/1.x, or too long.
  enum class State { kIncomplete, kComplete, kWrong };
  // A head that is longer, and whose end has not come, is kWrong: so a server that never ends its head costs no more
  // memory. One that arrives whole, in one piece, is taken whatever its length.
  static constexpr size_t kMaxBytes = 16 * 1024;

  // Consumes bytes from the front, up to the end of the head, however the bytes are sliced. Call again for the next
  // head, when the content between them has been consumed; after kWrong, only after Reset().
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

  // True if no byte of the next head has arrived.
  bool is_at_start() const { return part_.empty(); }

  // Forgets an incomplete head.
  void Reset() { part_.clear(); }

 private:
  bool Parse(absl::string_view head);

  std::string part_;  // An incomplete head.
  std::string last_;  // Heads differ in their Date only, once a second: identical bytes are not parsed again.
  int status_ = 0;
  std::optional<uint64_t> content_length_;
  bool keeps_alive_ = true;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_HTTP_HEAD_H_
