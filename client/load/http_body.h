// HttpBody: the content of a reply without a Content-Length: chunked (RFC 9112, section 7.1), or up to the end of the
// connection. Parsed by Boost.Beast. This is the slow path, for reference servers; Polyserve always sends a length.
#ifndef POLYSERVE_CLIENT_LOAD_HTTP_BODY_H_
#define POLYSERVE_CLIENT_LOAD_HTTP_BODY_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

//   Start(head) ──▶ Take(bytes) ... ──▶ kComplete: `bytes` is what belongs to the next reply
//              └──▶ TakeEnd(), if the connection has ended
//
// One object for one reply after the other: Start() after each head. It copies what it gets, and allocates for each
// reply. Not thread-safe.
class HttpBody {
 public:
  // kIncomplete: more bytes are needed. kWrong: malformed; the connection cannot be used any more.
  enum class State { kIncomplete, kComplete, kWrong };
  // A longer line of a chunk, or longer trailer fields, are kWrong.
  static constexpr size_t kMaxLineBytes = 16 * 1024;

  HttpBody();
  ~HttpBody();
  HttpBody(HttpBody&& other) noexcept;

  // Starts the content that follows this head, which is complete, with its empty line.
  void Start(absl::string_view head);

  // Consumes bytes from the front, up to the end of the reply, and appends the decoded content to `content`. The size
  // of the content has no bound here: the caller compares it piece by piece, or limits the bytes.
  State Take(absl::string_view& bytes, std::string& content);

  // The connection has ended: kComplete if that ends the reply, kWrong if it cuts it off.
  State TakeEnd();

 private:
  class Parser;

  std::unique_ptr<Parser> parser_;
  std::string unparsed_;  // The beginning of a line whose end has not arrived.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_HTTP_BODY_H_
