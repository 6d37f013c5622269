// HttpHead: the head of one HTTP/1.x reply after the other, as far as a load generator looks at it: the status, how
// long the content is, and whether the connection stays. For servers that are known to be well-behaved; a client for
// the wide world needs a parser.
#ifndef POLYSERVE_CLIENT_LOAD_HTTP_HEAD_H_
#define POLYSERVE_CLIENT_LOAD_HTTP_HEAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

class HttpHead {
 public:
  enum class State { kIncomplete, kComplete, kWrong };
  // More is taken for nonsense.
  static constexpr size_t kMaxBytes = 16 * 1024;

  // Takes bytes off the front, up to the end of the head. Call it again for the next head; after a wrong one only from
  // the beginning of another connection.
  State Take(absl::string_view& bytes);

  // Of the last head that was complete.
  int status() const { return status_; }
  // Nothing if the content is chunked, or ends with the connection.
  std::optional<uint64_t> content_length() const { return content_length_; }
  // The reply can have no content, whatever its head says: 204 and 304.
  bool has_no_content() const { return status_ == 204 || status_ == 304; }
  // False if the server says that it closes the connection after this reply.
  bool keeps_alive() const { return keeps_alive_; }
  // All of it, with its empty line.
  absl::string_view text() const { return last_; }

  // True if nothing of a head has come.
  bool is_at_start() const { return part_.empty(); }

  // Forgets a head that has not come as a whole.
  void Reset() { part_.clear(); }

 private:
  bool Parse(absl::string_view head);

  std::string part_;  // Of a head that did not come as a whole.
  std::string last_;  // Replies differ in their Date at most, once a second: the same bytes need no second look.
  int status_ = 0;
  std::optional<uint64_t> content_length_;
  bool keeps_alive_ = true;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_HTTP_HEAD_H_
