// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#ifndef POLYSERVE_BASE_UTF8_H_
#define POLYSERVE_BASE_UTF8_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace polyserve {

// The bytes of the well-formed character that they begin with; 0 if there is none.
size_t Utf8Length(absl::string_view bytes);

// Whether all of them are well-formed.
bool IsUtf8(absl::string_view bytes);

}  // namespace polyserve

#endif  // POLYSERVE_BASE_UTF8_H_
