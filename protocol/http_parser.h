// HTTP/1.1 syntax (RFC 9112), by Boost.Beast's parser, made strict: whatever two readers could frame in two ways is
// refused, since that is how requests are smuggled past a proxy. The only file that knows Beast.
#ifndef POLYSERVE_PROTOCOL_HTTP_PARSER_H_
#define POLYSERVE_PROTOCOL_HTTP_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "protocol/http_request.h"
#include "protocol/session.h"

namespace polyserve {

// Parses a whole head, its empty line included. `request` is a new one, and its views are valid as long as the head is.
// Returns a refusal where there is a fault; what is framed is not known then, so that the connection has to be closed.
std::optional<HttpRefusal> ParseHttpHead(absl::string_view head, HttpRequest& request);

// Takes a chunked content apart, as it comes.
class HttpChunks {
 public:
  // Bounds a chunk's line, and the last one's together with the trailer fields.
  static constexpr size_t kMaxLineBytes = 16 * 1024;

  using Sink = absl::FunctionRef<absl::Status(absl::string_view bytes)>;

  HttpChunks();
  ~HttpChunks();

  // Consumes what it can and hands the data within to the sink. Trailer fields are thrown away. InvalidArgument and
  // OutOfRange: the peer's fault; other errors are the sink's. Not to be called again after an error or once done().
  absl::Status Take(Input& input, Sink sink);

  // The last chunk and its trailer fields are consumed.
  bool done() const;

 private:
  class Parser;
  const std::unique_ptr<Parser> parser_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_PARSER_H_
