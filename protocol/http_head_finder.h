// HttpHeadFinder: finds the end of a request's head, in time linear in the bytes that come, and holds its bounds. What
// the lines mean is ParseHttpHead()'s business; only what it would overlook is refused here: bare LF, and folded lines.
#ifndef POLYSERVE_PROTOCOL_HTTP_HEAD_FINDER_H_
#define POLYSERVE_PROTOCOL_HTTP_HEAD_FINDER_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "protocol/http_request.h"
#include "protocol/session.h"

namespace polyserve {

class HttpHeadFinder {
 public:
  static constexpr size_t kMaxHeadBytes = 16 * 1024;
  static constexpr size_t kMaxTargetBytes = 8 * 1024;  // RFC 9112, section 3, asks for 8000 octets at least.

  // Consumes the next head and returns it, its empty line included; valid as long as the input's bytes are. Empty lines
  // before it are consumed (RFC 9112, section 2.2). Returns nothing where it is incomplete or refused.
  std::optional<absl::string_view> Next(Input& input);

  // Why the last Next() that returned nothing did so; null where more input may help.
  const HttpRefusal* refusal() const { return refusal_; }

 private:
  const HttpRefusal* CheckLine(absl::string_view bytes, size_t end) const;

  uint32_t line_begin_ = 0;  // All lines before it were checked.
  uint32_t searched_ = 0;    // So many bytes are known to hold no further end of a line.
  const HttpRefusal* refusal_ = nullptr;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_HEAD_FINDER_H_
