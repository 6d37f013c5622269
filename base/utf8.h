// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. An overlong form would let a
// character pass a check that looks for its usual bytes (section 10). Any thread; no allocation.
#ifndef POLYSERVE_BASE_UTF8_H_
#define POLYSERVE_BASE_UTF8_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace polyserve {

// The length, 1 to 4, of the well-formed character at the beginning of `bytes`; 0 if they are empty, or begin with
// anything else, a character that is cut short included.
size_t Utf8Length(absl::string_view bytes);

// Whether `bytes` are nothing but well-formed characters; true if they are empty.
bool IsUtf8(absl::string_view bytes);

}  // namespace polyserve

#endif  // POLYSERVE_BASE_UTF8_H_
