// How many descriptors this process may have (RLIMIT_NOFILE, see getrlimit(2)). The usual soft limit of 1024 is there
// for the sake of select(2), whose sets have that many bits, and is far too low for a server; the hard limit is what
// the administrator means. A server that has run out of descriptors cannot even accept a client in order to refuse it.
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

// What accepting and serving one client may take: its socket, files, a mailbox, what a worker waits with. A server that
// has fewer would say that it is ready, and then serve no client.
inline constexpr int kDescriptorsForClient = 12;

// Raises the soft limit to the hard one, for this process and all that it forks and executes. If that fails, the limit
// stays as it was: the server says so when it runs out of descriptors. Call it before descriptors are counted. A
// program that this one executes inherits the high limit as well, so it must not use select(2) on what it opens.
inline void RaiseDescriptorLimit() {
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// OK if `count` more descriptors can be opened now, ResourceExhausted if not; the message names the purpose, and what
// to do about it. Opens them all and closes them again, so another thread may take them before the caller does: for
// checks at the start, to fail early and with a clear message. Costs two system calls for each; does not block.
inline absl::Status CheckDescriptorsAreLeft(int count, absl::string_view purpose) {
  std::vector<UniqueFd> tried(static_cast<size_t>(count));
  for (UniqueFd& fd : tried) {
    // A copy of standard error costs nothing but the number, and needs no file that might be missing.
    fd.reset(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
    if (fd.ok()) continue;
    const absl::Status why = SysError(purpose);
    return absl::ResourceExhaustedError(absl::StrCat(why.message(), "; raise the limit with 'ulimit -n'"));
  }
  return absl::OkStatus();
}

}  // namespace polyserve

#endif  // POLYSERVE_BASE_DESCRIPTOR_LIMIT_H_
