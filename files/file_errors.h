// What errno says of files, in words for peers, which tell nothing of what lies outside of the root. Call these first
// of all, before anything else can change errno.
#ifndef POLYSERVE_FILES_FILE_ERRORS_H_
#define POLYSERVE_FILES_FILE_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// The server's own trouble, which passes: the same request may succeed a little later.
bool IsShortage(int error);
absl::Status ShortageError();

// Of a file or directory that cannot be written or named; `what` is for errors without words of their own.
absl::Status StoreError(absl::string_view what);
absl::Status QuotaError();

// Waits until what is behind the descriptor is on the disk: the content of a file, or the names in a directory
// (fsync(2)). ResourceExhausted: it does not fit. DataLoss: the disk has failed, which is logged; another try could
// succeed although the kernel has given the data up, so there must be none.
absl::Status SyncToDisk(int fd);

}  // namespace polyserve

#endif  // POLYSERVE_FILES_FILE_ERRORS_H_
