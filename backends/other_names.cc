#include "backends/other_names.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "backends/registry.h"

namespace polyserve {

namespace {

constexpr OtherName kNames[] = {
    // Stevens, Fenner, Rudoff, UNIX Network Programming, vol. 1, third edition.
    {"blocking-io", "Stevens, chapter 6", "--model=thread"},
    {"nonblocking-io", "Stevens, chapter 6", "--model=nonblock"},
    {"io-multiplexing", "Stevens, chapter 6", "--model=select"},
    {"signal-driven-io", "Stevens, chapter 6", "--model=sigio"},
    {"asynchronous-io", "Stevens, chapter 6", "--model=uring"},
    {"iterative", "Stevens, chapter 30", "--model=loop"},
    {"process-per-connection", "Stevens, chapter 30: a fork for each client", "--model=fork"},
    {"thread-per-connection", "Stevens, chapter 30: a thread for each client", "--model=thread"},
    {"preforked", "Stevens, chapter 30", "--model=prefork"},
    {"prethreaded", "Stevens, chapter 30", "--model=threadpool"},
    // Schmidt, Stal, Rohnert, Buschmann, Pattern-Oriented Software Architecture, vol. 2.
    {"reactor", "POSA2", "--model=epoll"},
    {"proactor", "POSA2", "--model=uring"},
    {"half-sync-half-async", "POSA2", "--model=halfsync"},
    {"leader-followers", "POSA2", "--model=leader"},
    {"reactor-with-thread-pool", "textbooks", "--model=halfsync"},
    {"acceptor-thread", "textbooks: one thread accepts, another one serves", "--model=epoll --accept=pass"},
    {"multi-reactor", "textbooks; Netty, with boss and workers", "--model=epoll --workers=4 --accept=pass"},
    // Pai, Druschel, Zwaenepoel, "Flash: an efficient and portable Web server", USENIX 1999.
    {"mp", "Flash: multi-process", "--model=prefork"},
    {"mt", "Flash: multi-threaded", "--model=threadpool"},
    {"sped", "Flash: one process, by events", "--model=epoll"},
    {"amped", "Flash: the same with helpers", "--model=epoll --offload=4 --offload_files"},
    // Welsh, Culler, Brewer, SOSP 2001.
    {"seda", "stages, each with a queue and a pool", "--model=staged"},
    {"staged-event-driven", "SEDA", "--model=staged"},
    // Chen Shuo, the author of muduo: twelve designs, numbered from 0 (2013, section 6.6).
    {"muduo-0", "accept and serve", "--model=loop"},
    {"muduo-1", "accept and fork", "--model=fork"},
    {"muduo-2", "accept and thread", "--model=thread"},
    {"muduo-3", "prefork", "--model=prefork"},
    {"muduo-4", "prethreaded", "--model=threadpool"},
    {"muduo-5", "reactor: poll", "--model=poll"},
    {"muduo-6", "reactor, and a thread for each task", "--model=halfsync", Fit::kNearest},
    {"muduo-7", "reactor, and a thread for each client's tasks", "--model=halfsync", Fit::kNearest},
    {"muduo-8", "reactor, and a thread pool for tasks", "--model=epoll --offload=4"},
    {"muduo-9", "reactors in threads: one loop per thread", "--model=epoll --workers=4 --accept=pass"},
    {"muduo-10", "reactors in processes", "--model=epoll --workers=4 --worker_type=process"},
    {"muduo-11", "reactors, and a thread pool for tasks", "--model=epoll --workers=4 --accept=pass --offload=4"},
    {"one-loop-per-thread", "muduo, libev", "--model=epoll --workers=4 --accept=pass"},
    // Servers.
    {"apache-prefork", "its MPM", "--model=prefork"},
    {"prefork-mpm", "Apache", "--model=prefork"},
    {"apache-worker", "its MPM: processes of threads", "--model=hybrid"},
    {"worker-mpm", "Apache", "--model=hybrid"},
    {"apache-event", "its MPM: the same, beside a loop in each", "--model=hybrid --serve=events"},
    {"event-mpm", "Apache", "--model=hybrid --serve=events"},
    {"nginx", "a loop in each process", "--model=epoll --trigger=edge --workers=4 --worker_type=process"},
    {"haproxy", "a loop in each thread", "--model=epoll --workers=4"},
    {"redis", "one loop", "--model=epoll"},
    {"node", "one loop, with libuv's helpers", "--model=epoll --offload=4"},
    {"memcached", "a thread accepts for loops of libevent", "--model=libevent --workers=4 --accept=pass"},
    {"asyncio", "Python: coroutines on one loop", "--model=coroutine"},
    {"gevent", "Python: greenlets on one loop", "--model=fiber"},
    {"green-threads", "stacks that the program switches, and not the kernel", "--model=fiber"},
    {"work-stealing", "Cilk, and most pools of tasks since", "--model=stealing"},
    {"m-n", "textbooks: many tasks on few threads", "--model=stealing"},
    {"tokio", "Rust: tasks on a pool of threads", "--model=stealing"},
    {"goroutines", "Go: one for each connection, on a pool of threads", "--model=stealing", Fit::kNearest},
    {"thread-per-core", "Seastar: a loop for each processor", "--model=epoll --workers=4 --accept=reuseport"},
    {"iocp", "Windows: completions", "--model=uring", Fit::kNearest},
    {"inetd", "a program for each connection (nowait)", "--model=exec"},
    {"systemd", "a program for each connection (Accept=yes)", "--model=exec"},
    {"tcpserver", "ucspi: a program for each connection", "--model=exec"},
    {"cgi", "a program for each request", "--model=exec", Fit::kNearest},
};

absl::string_view ModelOf(const OtherName& other) {
  absl::string_view flags = other.flags;
  absl::ConsumePrefix(&flags, "--model=");
  return flags.substr(0, flags.find(' '));
}

}  // namespace

absl::Span<const OtherName> AllOtherNames() { return kNames; }

const OtherName* FindOtherName(absl::string_view name) {
  std::string asked = absl::AsciiStrToLower(name);
  for (char& letter : asked) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(letter))) letter = '-';
  }
  const OtherName* const found =
      std::find_if(std::begin(kNames), std::end(kNames), [&asked](const OtherName& one) { return asked == one.name; });
  return found == std::end(kNames) ? nullptr : found;
}

std::string DescribeOtherNames() {
  constexpr char kRow[] = "%-25s %-7s %-66s %s\n";
  std::string table = absl::StrFormat(kRow, "elsewhere", "", "here", "whose name it is");
  for (const OtherName& one : kNames) {
    if (FindModel(ModelOf(one)) == nullptr) continue;
    absl::StrAppend(&table,
                    absl::StrFormat(kRow, one.name, one.fit == Fit::kSame ? "" : "nearest", one.flags, one.where));
  }
  return table;
}

}  // namespace polyserve
