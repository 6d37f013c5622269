// HttpRanges: which parts of a file the field Range asks for (RFC 9110, section 14).
#ifndef POLYSERVE_PROTOCOL_HTTP_RANGE_H_
#define POLYSERVE_PROTOCOL_HTTP_RANGE_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"

namespace polyserve {

struct HttpRange {
  int64_t begin;
  int64_t length;  // At least 1.
};

struct HttpRanges {
  enum class Kind {
    kWhole,          // Not a set of ranges that is served: the field is ignored, as the RFC allows.
    kParts,          // `parts`, in the order that they were asked for.
    kUnsatisfiable,  // All begin behind the end.
  };

  Kind kind = Kind::kWhole;
  absl::InlinedVector<HttpRange, 2> parts;
};

// A set of more ranges, or of ranges that together are more than the file, is ignored: it costs much, and gives nothing
// that the whole file does not.
constexpr size_t kMaxHttpRanges = 16;

HttpRanges ParseHttpRanges(absl::string_view field, int64_t file_size);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_RANGE_H_
