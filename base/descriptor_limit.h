// RaiseDescriptorLimit: as many descriptors as the system lets this process have, since each connection needs one.
#ifndef POLYSERVE_BASE_DESCRIPTOR_LIMIT_H_
#define POLYSERVE_BASE_DESCRIPTOR_LIMIT_H_

#include <sys/resource.h>

namespace polyserve {

// Where it fails, the limit stays as it was: who runs out of descriptors is told then (setrlimit(2)).
inline void RaiseDescriptorLimit() {
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace polyserve

#endif  // POLYSERVE_BASE_DESCRIPTOR_LIMIT_H_
