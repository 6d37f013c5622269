// Call filter: the system calls that a server still needs once it serves. All others fail with EPERM (seccomp(2), by
// libseccomp), which is an error that the program handles as any other; none ends a process. The filter holds for all
// threads of the process and for all that they start, also by execve(2), and nothing takes it back.
#ifndef POLYSERVE_LIFECYCLE_CALL_FILTER_H_
#define POLYSERVE_LIFECYCLE_CALL_FILTER_H_

#include "absl/status/status.h"

namespace polyserve {

// Calls that some servers need and others do not.
struct CallNeeds {
  bool stores_files = false;     // Link, rename and remove files, make directories.
  bool keeps_copies = false;     // Set the times of files, and attributes of users (files/copy_note.h).
  bool has_datagrams = false;    // Make sockets for UDP, bind and connect them.
  bool asks_servers = false;     // Make sockets for TCP, and connect them.
  bool has_rings = false;        // io_uring(7). The filter does not see what a ring does.
  bool starts_programs = false;  // execve(2), and memory that is code.
};

// Unimplemented, in words for the user: the kernel has no filters of system calls, or a container forbids them.
absl::Status CheckCallFilter();

// Sets the filter, for all threads of this process, whichever calls. Needs no privileges: it gives up gaining any by
// execve(2) (PR_SET_NO_NEW_PRIVS). Filters add up. After an error nothing is filtered.
absl::Status RestrictCalls(const CallNeeds& needs);

}  // namespace polyserve

#endif  // POLYSERVE_LIFECYCLE_CALL_FILTER_H_
