// SysError: errno turned into a Status, in one place, so that every error names the call, the object and the reason.
//
//   UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
//   if (!fd.ok()) return SysError("socket");
#ifndef POLYSERVE_BASE_SYS_ERROR_H_
#define POLYSERVE_BASE_SYS_ERROR_H_

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// A Status for the call that has just failed: "bind 127.0.0.1:80: Permission denied". Call it first of all, before
// anything else can change errno; calls that compute its arguments can. The code is absl's for that errno
// (absl::ErrnoToStatusCode()): ENOENT is NotFound, EMFILE ResourceExhausted, EAGAIN Unavailable. Any thread.
inline absl::Status SysError(absl::string_view call, absl::string_view object = "") {
  const int error = errno;
  return absl::ErrnoToStatus(error, object.empty() ? std::string(call) : absl::StrCat(call, " ", object));
}

}  // namespace polyserve

#endif  // POLYSERVE_BASE_SYS_ERROR_H_
