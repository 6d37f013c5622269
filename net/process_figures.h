// What the kernel tells of running processes, from /proc (proc(5)): processor time, memory, threads, children. For a
// report, such as http's /-/status: each call opens and reads one or two small files, some ten microseconds; the
// proportional memory is another matter (see below). Any thread; blocks for no longer than that takes.
#ifndef POLYSERVE_NET_PROCESS_FIGURES_H_
#define POLYSERVE_NET_PROCESS_FIGURES_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace polyserve {

struct ProcessFigures {
  pid_t process;
  pid_t parent;
  std::string name;  // As prctl(PR_SET_NAME) has set it; at most 15 bytes, which may be any.
  int threads;
  double cpu_seconds;  // Of all of its threads, those that have ended as well; in steps of 10 ms.
  // Of its children that have ended and were waited for, and of theirs.
  double children_cpu_seconds;
  int64_t rss_bytes;  // Resident memory, which counts pages that are shared with other processes in each of them.
};

// Nothing if there is no such process (any more), or it may not be looked at.
std::optional<ProcessFigures> ReadProcessFigures(pid_t process);

// Resident memory, in which a page that several processes share counts in equal parts (PSS): the sum over processes is
// what they take together. The kernel walks all page tables for it, some 100 microseconds for a server. Nothing if it
// is not permitted: it takes the right to trace the process (ptrace(2)).
std::optional<int64_t> ReadProportionalBytes(pid_t process);

// The processor time of one thread, in steps of 10 ms. Nothing if there is no such thread.
std::optional<double> ReadThreadCpuSeconds(pid_t process, pid_t thread);

// The processes that the main thread of this one has started, and theirs, `most` at most, parents first. Empty if the
// kernel does not tell (CONFIG_PROC_CHILDREN).
std::vector<pid_t> ListDescendants(pid_t process, size_t most);

}  // namespace polyserve

#endif  // POLYSERVE_NET_PROCESS_FIGURES_H_
