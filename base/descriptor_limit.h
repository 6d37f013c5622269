// How many descriptors this process may have: as many as the system lets it, and whether enough are left.
#ifndef POLYSERVE_BASE_DESCRIPTOR_LIMIT_H_
#define POLYSERVE_BASE_DESCRIPTOR_LIMIT_H_

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"

namespace polyserve {

// If it fails, the limit stays as it was: who runs out of descriptors is told then (setrlimit(2)).
inline void RaiseDescriptorLimit() {
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// ResourceExhausted: fewer than `count` descriptors are left for what the caller names. They are tried, not held.
inline absl::Status CheckDescriptorsAreLeft(int count, absl::string_view purpose) {
  std::vector<UniqueFd> tried(static_cast<size_t>(count));
  for (UniqueFd& fd : tried) {
    fd.reset(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
    if (fd.ok()) continue;
    const absl::Status why = SysError(purpose);
    return absl::ResourceExhaustedError(absl::StrCat(why.message(), "; raise the limit with 'ulimit -n'"));
  }
  return absl::OkStatus();
}

}  // namespace polyserve

#endif  // POLYSERVE_BASE_DESCRIPTOR_LIMIT_H_
