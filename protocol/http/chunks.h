// HttpChunks: decodes chunked content (RFC 9112, section 7.1) as it arrives. Strict to the letter: lines end with CR LF
// and hold no control characters, extensions and trailer fields follow the grammar, and no line is folded. So a proxy
// in front of the server that is laxer still finds the end of the content at the same byte, and no request can be
// smuggled past it.
//
//                         size > 0                                  size 0
//   ──▶ kSize ─────────────────────▶ kData ──▶ kDataEnd     kSize ────────▶ kTrailerField ──▶ kNothing: done()
//         ▲                                        │                          │     ▲  an empty line
//         └──────────────── CR LF ─────────────────┘                          └─────┘ a field
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

// One object for each content. Holds no bytes: an unfinished line stays in the input.
class HttpChunks {
 public:
  // The longest line of a chunk, and the most that the last line and the trailer fields may have together. As much as a
  // request's head, since both hold fields. RFC 9112, section 7.1.1, asks for a limit: extensions cost the server work,
  // and carry nothing that it uses.
  static constexpr size_t kMaxLineBytes = 16 * 1024;

  // Receives decoded data, in order; the view is valid during the call only. Its error ends Take().
  using Sink = absl::FunctionRef<absl::Status(absl::string_view bytes)>;

  // Consumes as much of the input as it can, and passes the data to the sink. Extensions and trailer fields are checked
  // and discarded. Bytes behind the content stay in the input. The result does not depend on how the input is sliced.
  // Errors: InvalidArgument (malformed, or a line too long) and OutOfRange (a size above INT64_MAX) are the peer's
  // fault, and leave the end of the content unknown; other errors are the sink's.
  // REQUIRES: no earlier call has failed, and !done().
  absl::Status Take(Input& input, Sink sink);

  // True once the last chunk and its trailer fields are consumed.
  bool done() const { return next_ == Next::kNothing; }

 private:
  enum class Next { kSize, kData, kDataEnd, kTrailerField, kNothing };

  // Consumes a line if it is complete: a chunk's size, a trailer field, or the empty line at the end.
  absl::Status TakeLine(Input& input);
  absl::Status OnLine(absl::string_view line);
  absl::Status OnSize(absl::string_view line);
  absl::Status OnTrailerField(absl::string_view line);
  // Consumes data of the current chunk, then the CR LF behind it.
  absl::Status TakeData(Input& input, Sink sink);
  absl::Status TakeDataEnd(Input& input);

  Next next_ = Next::kSize;
  int64_t data_left_ = 0;                   // Of the current chunk.
  size_t searched_ = 0;                     // The first `searched_` bytes of the input hold no end of a line.
  size_t line_bytes_left_ = kMaxLineBytes;  // What the line, or the trailer section, may still have.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_CHUNKS_H_
