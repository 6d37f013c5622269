#include "files/file_errors.h"

#include <unistd.h>

#include <cerrno>

#include "base/logging.h"
#include "base/sys_error.h"

namespace polyserve {

bool IsShortage(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }

absl::Status ShortageError() { return absl::UnavailableError("the server is short of descriptors or memory"); }

absl::Status StoreError(absl::string_view what) {
  if (IsShortage(errno)) return ShortageError();
  switch (errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::ResourceExhaustedError("there is no space left for the file");
    case EISDIR:
      return absl::FailedPreconditionError("a directory has this name");
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError("the directory cannot be written to");
    default:
      return SysError(what);
  }
}

absl::Status QuotaError() { return absl::ResourceExhaustedError("the library has no more room (--library_quota)"); }

absl::Status SyncToDisk(int fd) {
  int result = -1;
  do {
    result = ::fsync(fd);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return absl::OkStatus();
  if (errno == ENOSPC || errno == EDQUOT) return absl::ResourceExhaustedError("there is no space left for the file");
  LOG_FLOOD(ERROR) << "an upload cannot be written to the disk: " << SysError("fsync").message();
  return absl::DataLossError("the disk has failed");
}

}  // namespace polyserve
