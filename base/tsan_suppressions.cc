// What ThreadSanitizer reports although nothing is wrong, for every program that is built with it.
//
//   close     The ring closes descriptors, and openat2(2) opens some, unseen: a number that comes back is another
//             descriptor.
//   StrError  Debian's Abseil is not instrumented: it makes its table of error texts at the first use, before others
//             read it, and ThreadSanitizer does not see that order. A suppression needs a descriptor to look up the
//             name, and the first error may be that there is none. So the table is made before there is a thread.
#ifdef __SANITIZE_THREAD__
#include <cerrno>

#include "absl/status/status.h"

extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:close\n"; }

namespace {
[[maybe_unused]] const absl::Status kMakesTheTable = absl::ErrnoToStatus(EIO, "");
}  // namespace
#endif
