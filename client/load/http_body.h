// HttpBody: the content of a reply that does not say how long it is: chunked (RFC 9112, section 7.1), or up to the end
// of the connection. Beast takes it apart: this is the slow way, for other people's servers.
#ifndef POLYSERVE_CLIENT_LOAD_HTTP_BODY_H_
#define POLYSERVE_CLIENT_LOAD_HTTP_BODY_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

class HttpBody {
 public:
  enum class State { kIncomplete, kComplete, kWrong };
  // A chunk's line, or the trailer fields, that are longer are taken for nonsense.
  static constexpr size_t kMaxLineBytes = 16 * 1024;

  HttpBody();
  ~HttpBody();
  HttpBody(HttpBody&& other) noexcept;

  // Begins behind this head, a complete one.
  void Start(absl::string_view head);

  // Takes bytes off the front, up to the end of the reply, and appends what they carry to `content`.
  State Take(absl::string_view& bytes, std::string& content);

  // The connection has ended: kComplete if that was the end of the reply, else kWrong.
  State TakeEnd();

 private:
  class Parser;

  std::unique_ptr<Parser> parser_;
  std::string unparsed_;  // Of a line that has not come as a whole.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_HTTP_BODY_H_
