// How many processors this process can keep busy: as many as it is given, not as many as the machine has. A container
// with one processor's time of a machine with 64 is slower with 64 busy threads than with one: they use up the time of
// a period at once, and then all stand still until the next.
//
//   sched_getaffinity(2)                        on which processors it may run (taskset(1), cpusets)
//   /proc/self/cgroup, /proc/self/mountinfo     its control group, and those above it as far as they can be seen:
//     cpu.max                                     the quota of each, version 2
//     cpu.cfs_quota_us, cpu.cfs_period_us         the same, version 1
//
// The count is the least of all of these, rounded up, and at least 1: one and a half processors take two threads to be
// used. Shares (cpu.weight, cpu.shares) do not count, since they limit nothing while the others are idle.
//
// Others decide in different ways: Go 1.25 (runtime/cgroup_linux.go) rounds up, to 2 at least, and reads the quota of
// its own group alone; JDK 25 (cgroupUtil_linux.cpp) rounds up, and heeds the groups above; Rust's
// available_parallelism() rounds down, and heeds them as well; Envoy (cgroup_cpu_util.cc) rounds down, for its own
// group; nginx's `worker_processes auto` asks for the processors of the machine (_SC_NPROCESSORS_ONLN), with no regard
// to either. The kernel enforces all groups, so all count here.
#ifndef POLYSERVE_NET_AVAILABLE_PROCESSORS_H_
#define POLYSERVE_NET_AVAILABLE_PROCESSORS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

struct AvailableProcessors {
  int count;        // At least 1.
  std::string why;  // For the log: "the control group /sys/fs/cgroup/a gives 1.5 processors, of 8 that it may run on".
};

// What the calling process, and the affinity of the calling thread, have now. Reads some small files; what cannot be
// read or understood limits nothing. Any thread.
AvailableProcessors FindAvailableProcessors();

// The same for tests: all files are looked for beneath `system` ("" is the real one), and `allowed` is the number of
// processors of the affinity.
AvailableProcessors FindAvailableProcessors(absl::string_view system, int allowed);

}  // namespace polyserve

#endif  // POLYSERVE_NET_AVAILABLE_PROCESSORS_H_
