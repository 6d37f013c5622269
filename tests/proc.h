// What /proc says about processes (see proc(5)). All of it may be out of date when it is read: use Eventually(). None
// of these functions blocks.
#ifndef POLYSERVE_TESTS_PROC_H_
#define POLYSERVE_TESTS_PROC_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"

namespace polyserve {

// The living processes that were started with this setting ("NAME=VALUE") in their environment. Forked children and
// new images inherit it, however deep, so it also finds those whose parents have gone.
std::vector<pid_t> ProcessesWithEnvironment(absl::string_view setting);

// Ended children that these processes have not waited for.
std::vector<pid_t> ZombiesOf(const std::vector<pid_t>& parents);

// All threads of a process of the server, but for ThreadSanitizer's own, by their ids, which the functions below take
// as well. The first one has that of the process.
std::vector<pid_t> ThreadsOf(pid_t pid);

// Zero, "", or nothing, if the process has ended, also if it does so meanwhile. Sockets and pipes are descriptors, too.
std::string ReadProc(pid_t pid, absl::string_view file);  // "status", for example, or "task/TID/comm".
// As those that serve no client name themselves (PR_SET_NAME, prctl(2)), such as "chat hub"; of the others, the
// program's.
std::string NameOf(pid_t pid);
std::vector<int> DescriptorsOf(pid_t pid);
size_t CountDescriptors(pid_t pid);
int64_t PeakMemoryBytes(pid_t pid);  // The most that was ever resident.
absl::Duration ProcessorTime(pid_t pid);
int64_t CountSleeps(pid_t pid);            // How often it has waited for something.
std::string AllowedProcessors(pid_t pid);  // "0-3", "1".

// True while a signal was sent to the process and not yet delivered.
bool IsSignalPending(pid_t pid, int signal);

// True while the process is stopped (SIGSTOP).
bool IsStopped(pid_t pid);

// True while the thread, or the process's first one, waits for something.
bool IsAsleep(pid_t pid);

// The number that the next descriptor of the process will have (open(2): the lowest one that is free). For
// LimitDescriptors(), to leave room for an exact number of `more` before it.
int LowestFreeDescriptor(pid_t pid, int more = 0);

// Lets the process open no descriptor beyond this number; what it has open stays.
void LimitDescriptors(pid_t pid, int most);

// The sockets at which the process listens for this port ("127.0.0.1:8080"), as descriptors of our own
// (pidfd_getfd(2)): what is set at them is set for the process. None if we may not trace it.
std::vector<UniqueFd> ListenersOf(pid_t pid, absl::string_view address);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_PROC_H_
