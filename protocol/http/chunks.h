// HttpChunks: takes a chunked content apart (RFC 9112, section 7.1) as it comes. Strict to the letter: its lines end
// with CR LF and hold no control character, extensions and trailer fields keep to the grammar, no line is folded. A
// front end that is laxer in any way still finds the end of the content where this server finds it.
#ifndef POLYSERVE_PROTOCOL_HTTP_CHUNKS_H_
#define POLYSERVE_PROTOCOL_HTTP_CHUNKS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "protocol/session.h"

namespace polyserve {

class HttpChunks {
 public:
  // Bounds a chunk's line, and the last one's together with the trailer fields.
  static constexpr size_t kMaxLineBytes = 16 * 1024;

  using Sink = absl::FunctionRef<absl::Status(absl::string_view bytes)>;

  // Consumes what it can and hands the data within to the sink; leaves an unfinished line. Extensions and trailer
  // fields are thrown away. InvalidArgument and OutOfRange: the peer's fault; other errors are the sink's. Not to be
  // called again after an error or once done().
  absl::Status Take(Input& input, Sink sink);

  // The last chunk and its trailer fields are consumed.
  bool done() const { return next_ == Next::kNothing; }

 private:
  enum class Next { kSize, kData, kDataEnd, kTrailerField, kNothing };

  absl::Status TakeLine(Input& input);
  absl::Status OnLine(absl::string_view line);
  absl::Status OnSize(absl::string_view line);
  absl::Status OnTrailerField(absl::string_view line);
  absl::Status TakeData(Input& input, Sink sink);
  absl::Status TakeDataEnd(Input& input);

  Next next_ = Next::kSize;
  int64_t data_left_ = 0;                   // Of the chunk.
  size_t searched_ = 0;                     // So many bytes of the input are known to hold no end of a line.
  size_t line_bytes_left_ = kMaxLineBytes;  // What the line, or the trailer, may still have.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_CHUNKS_H_
