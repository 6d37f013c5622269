// HttpHead: the head of one HTTP/1.1 reply after the other, as far as a load generator looks at it: the status and the
// length of the content. For servers that are known to be well-behaved; a client for the wide world needs a parser.
#ifndef POLYSERVE_LOAD_HTTP_HEAD_H_
#define POLYSERVE_LOAD_HTTP_HEAD_H_

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
  std::optional<uint64_t> content_length() const { return content_length_; }

  // Forgets a head that has not come as a whole.
  void Reset() { part_.clear(); }

 private:
  bool Parse(absl::string_view head);

  std::string part_;  // Of a head that did not come as a whole.
  std::string last_;  // Replies differ in their Date at most, once a second: the same bytes need no second look.
  int status_ = 0;
  std::optional<uint64_t> content_length_;
};

}  // namespace polyserve

#endif  // POLYSERVE_LOAD_HTTP_HEAD_H_
