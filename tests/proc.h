// What /proc tells about processes (see proc(5)). All of it may be out of date when it is read: use Eventually().
#ifndef POLYSERVE_TESTS_PROC_H_
#define POLYSERVE_TESTS_PROC_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace polyserve {

// The living processes that were started with this setting ("NAME=VALUE") in their environment. Forked children and
// new images inherit it, however deep, so it also finds those whose parents have gone.
std::vector<pid_t> ProcessesWithEnvironment(absl::string_view setting);

// Ended children that these processes have not waited for.
std::vector<pid_t> ZombiesOf(const std::vector<pid_t>& parents);

// Zero where the process has ended, here and below.
size_t CountDescriptors(pid_t pid);
int64_t PeakMemoryBytes(pid_t pid);  // The most that was ever resident.
absl::Duration ProcessorTime(pid_t pid);

// True while a signal was sent to the process and not yet delivered.
bool IsSignalPending(pid_t pid, int signal);

// True while the process is stopped (SIGSTOP).
bool IsStopped(pid_t pid);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_PROC_H_
