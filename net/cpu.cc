#include "net/cpu.h"

#include <sched.h>

#include "base/logging.h"
#include "base/sys_error.h"

namespace polyserve {

// Counts only processors of the present affinity mask: a container or taskset(1) may have taken some away, and
// sched_setaffinity(2) refuses a mask that names none of the rest.
void PinToCpu(int index) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {  // More processors than the set has bits.
    LOG(WARNING) << "cannot pin a worker to a processor: " << SysError("sched_getaffinity").message();
    return;
  }
  // The processor with this index among those that are allowed; their numbers may have gaps.
  int left = index % CPU_COUNT(&allowed);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &allowed) || left-- > 0) ++cpu;
  // A pid of 0 stands for the calling thread, not the process (sched_setaffinity(2)): each thread of a pool can have a
  // processor of its own. Threads that it starts later inherit its mask.
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  if (::sched_setaffinity(0, sizeof(one), &one) != 0) {
    LOG(WARNING) << "cannot pin a worker to a processor: " << SysError("sched_setaffinity").message();
  }
}

}  // namespace polyserve
