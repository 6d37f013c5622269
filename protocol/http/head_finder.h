// HttpHeadFinder: finds the end of a request's head, in time linear in the bytes that come, and holds its bounds. It
// checks the grammar of the request line and of the fields' names, and that lines hold no control characters, as the
// bytes come: what can never become a request (the greeting of another protocol, binary data) is refused at once. What
// the lines mean is ParseHttpHead()'s business.
#ifndef POLYSERVE_PROTOCOL_HTTP_HEAD_FINDER_H_
#define POLYSERVE_PROTOCOL_HTTP_HEAD_FINDER_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "protocol/http/request.h"
#include "protocol/session.h"

namespace polyserve {

class HttpHeadFinder {
 public:
  static constexpr size_t kMaxHeadBytes = 16 * 1024;
  static constexpr size_t kMaxTargetBytes = 8 * 1024;  // RFC 9112, section 3, asks for 8000 octets at least.
  static constexpr size_t kMaxMethodBytes = 32;        // The longest that is registered has 17.
  static constexpr int kMaxEmptyLines = 8;

  // Consumes the next head and returns it, its empty line included; valid as long as the input's bytes are. Some empty
  // lines before it are consumed (RFC 9112, section 2.2). Returns nothing if it is incomplete or refused.
  std::optional<absl::string_view> Next(Input& input);

  // Why the last Next() that returned nothing did so; null if more input may help.
  const HttpRefusal* refusal() const { return refusal_; }

 private:
  // Of the line that comes, what the next byte belongs to.
  enum class Part : uint8_t { kMethod, kTarget, kVersion, kName, kRest };

  bool FindLine(absl::string_view bytes);
  bool Scan(absl::string_view seen);
  bool ScanMethod(absl::string_view seen);
  bool ScanTarget(absl::string_view seen);
  bool ScanVersion(absl::string_view seen);
  bool ScanName(absl::string_view seen);
  bool ScanRest(absl::string_view seen);
  void EndLine(size_t line_end);
  bool Enter(Part part, size_t begin);
  bool Refuse(const HttpRefusal& why);

  uint32_t line_begin_ = 0;  // All lines before it were checked.
  uint32_t part_begin_ = 0;
  uint32_t searched_ = 0;  // All bytes before it were checked.
  uint32_t line_end_ = 0;  // Behind the line's end, once that is found; otherwise 0.
  Part part_ = Part::kMethod;
  uint8_t empty_lines_ = 0;  // Before this head.
  const HttpRefusal* refusal_ = nullptr;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_HEAD_FINDER_H_
