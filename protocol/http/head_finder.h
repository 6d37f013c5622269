// HttpHeadFinder: finds the end of a request's head, in time linear in the bytes received, and enforces the limits on
// its size. It checks the grammar of the request line and of field names, and that lines hold no control characters, as
// the bytes arrive: input that can never become a request (the greeting of another protocol, binary data) is refused at
// once instead of waiting for its end. ParseHttpHead() then interprets the lines.
//
//   a head, line by line, each Part up to its delimiter:
//     kMethod ─ ' ' ─▶ kTarget ─ ' ' ─▶ kVersion ─ CR ─▶ kRest ─ CR LF ─▶ kName ─ ':' ─▶ kRest ─ CR LF ─▶ kName ...
//   an empty line ends the head.
#ifndef POLYSERVE_PROTOCOL_HTTP_HEAD_FINDER_H_
#define POLYSERVE_PROTOCOL_HTTP_HEAD_FINDER_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "protocol/http/request.h"
#include "protocol/session.h"

namespace polyserve {

// One object for each connection, small because there are many. It holds no bytes: an incomplete head stays in the
// input, and only its end is searched again.
class HttpHeadFinder {
 public:
  static constexpr size_t kMaxHeadBytes = 16 * 1024;   // Ample for a browser's head, cookies included.
  static constexpr size_t kMaxTargetBytes = 8 * 1024;  // RFC 9112, section 3, asks for at least 8000 octets.
  static constexpr size_t kMaxMethodBytes = 32;        // The longest registered method has 17.
  static constexpr int kMaxEmptyLines = 8;             // Before a request; old clients send one.

  // Consumes the next head and returns it, its empty line included; the view is valid as long as the input's bytes are.
  // Call it again for each further head: requests may be pipelined (section 9.3.2).
  // Consumes up to kMaxEmptyLines empty lines before it (RFC 9112, section 2.2). Returns nothing if the head is
  // incomplete or refused; see refusal(). The result does not depend on how the input is sliced.
  // REQUIRES: no earlier call has refused. Only this object consumes input while a head is incomplete.
  std::optional<absl::string_view> Next(Input& input);

  // Why the last Next() returned nothing; null if the head is merely incomplete. The end of a refused head is unknown,
  // so that the connection has to be closed. Static storage.
  const HttpRefusal* refusal() const { return refusal_; }

 private:
  // The part of the current line that the next byte belongs to.
  enum class Part : uint8_t { kMethod, kTarget, kVersion, kName, kRest };

  // Sets line_end_ and returns true once the current line is complete.
  bool FindLine(absl::string_view bytes);
  // Scans the current part up to its end. Return false if more input is needed or the line is refused.
  bool Scan(absl::string_view seen);
  bool ScanMethod(absl::string_view seen);
  bool ScanTarget(absl::string_view seen);
  bool ScanVersion(absl::string_view seen);
  bool ScanName(absl::string_view seen);
  bool ScanRest(absl::string_view seen);
  // Starts the next line, or with 0 the next head.
  void EndLine(size_t line_end);
  // Starts the next part. Returns true.
  bool Enter(Part part, size_t begin);
  // Sets refusal_. Returns false.
  bool Refuse(const HttpRefusal& why);

  // Positions in the input, in bytes.
  uint32_t line_begin_ = 0;  // All lines before it are checked.
  uint32_t part_begin_ = 0;
  uint32_t searched_ = 0;  // All bytes before it are checked.
  uint32_t line_end_ = 0;  // Behind the line's CR LF once that is found; otherwise 0.
  Part part_ = Part::kMethod;
  uint8_t empty_lines_ = 0;  // Before this head.
  const HttpRefusal* refusal_ = nullptr;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_HEAD_FINDER_H_
