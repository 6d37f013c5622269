// IsUtf8: whether bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
#ifndef POLYSERVE_BASE_UTF8_H_
#define POLYSERVE_BASE_UTF8_H_

#include "absl/strings/string_view.h"

namespace polyserve {

bool IsUtf8(absl::string_view bytes);

}  // namespace polyserve

#endif  // POLYSERVE_BASE_UTF8_H_
