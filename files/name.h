// CheckName: whether a peer may use a name in the library at all, before the file system is asked. These rules keep
// names portable between protocols (a line end or a tab would break a listing), and hidden files hidden. That no name
// leads out of the root does not depend on them: openat2(2) sees to that (files/library.h). Any thread; does not block.
#ifndef POLYSERVE_FILES_NAME_H_
#define POLYSERVE_FILES_NAME_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// Names are relative UTF-8 paths of at most 4095 bytes whose parts have 1 to 255, without control characters (those of
// C1, U+0080 to U+009F, as well).
// InvalidArgument: anything else, "." and ".." included. PermissionDenied: a hidden part (".profile").
absl::Status CheckName(absl::string_view name);

// The same for a name that is only read: here ".well-known" (RFC 8615) may be the first part. It is no name for an
// upload, since a peer that can write there can obtain certificates for the host, and it is not listed.
absl::Status CheckNameToRead(absl::string_view name);

}  // namespace polyserve

#endif  // POLYSERVE_FILES_NAME_H_
