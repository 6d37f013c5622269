// HttpRanges: the parts of a file that the field Range asks for (RFC 9110, section 14), as byte ranges of the file.
//
//   bytes=0-99     the first 100 bytes          bytes=-100     the last 100
//   bytes=100-     all from byte 100 on         bytes=0-0,-1   the first and the last one: two parts
//
// A server may ignore Range (section 14.2), and this one does so in every doubtful case: the client then gets the whole
// file with a 200, which is always right. A pure function; no file is looked at.
#ifndef POLYSERVE_PROTOCOL_HTTP_RANGE_H_
#define POLYSERVE_PROTOCOL_HTTP_RANGE_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// Always within the file.
struct HttpRange {
  int64_t begin;   // In bytes from the beginning of the file.
  int64_t length;  // At least 1.
};

struct HttpRanges {
  enum class Kind {
    kWhole,          // Send the whole file (200): the field is malformed, or not worth serving. The RFC allows it.
    kParts,          // Send `parts` (206), in the order of the field.
    kUnsatisfiable,  // All ranges begin behind the end of the file: 416.
  };

  Kind kind = Kind::kWhole;
  // Neither sorted nor merged: a client that asks for the end of a file first may need it first (section 15.3.7.2).
  absl::InlinedVector<HttpRange, 2> parts;
};

// A field with more ranges than this, or with ranges that together are longer than the file, is ignored: such a reply
// costs more than the whole file, and holds nothing else. It is an old way to exhaust a server (CVE-2011-3192).
constexpr size_t kMaxHttpRanges = 16;

// `field` is the value of Range; `file_size` is in bytes. For an empty file every field is ignored, because it has no
// byte that a range could select.
HttpRanges ParseHttpRanges(absl::string_view field, int64_t file_size);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_RANGE_H_
