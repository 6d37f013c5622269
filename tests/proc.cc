#include "tests/proc.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "net/endpoint.h"

namespace polyserve {

namespace {

#if defined(__SANITIZE_THREAD__)
constexpr bool kSanitizerHasThread = true;  // In each process, the second one; it wakes ten times a second.
#else
constexpr bool kSanitizerHasThread = false;
#endif

// The entries of a directory that are numbers. A process may go between two of them: an error (ENOENT), which ++ of the
// iterator would throw.
std::vector<int> NumbersIn(const std::string& directory) {
  std::vector<int> numbers;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    int number = 0;
    if (absl::SimpleAtoi(entry->path().filename().string(), &number)) numbers.push_back(number);
  }
  return numbers;
}

// The fields of /proc/PID/stat from the third one on ("state ppid ..."): the second is the program's name, which may
// itself hold spaces and brackets. Empty if the process has gone.
std::vector<std::string> StatusFields(pid_t pid) {
  const std::string line = ReadProc(pid, "stat");
  const size_t name_end = line.rfind(") ");
  if (name_end == std::string::npos) return {};
  return absl::StrSplit(line.substr(name_end + 2), ' ');
}

// What follows "NAME:" in /proc/PID/status; empty if there is no such line.
std::string StatusLine(pid_t pid, absl::string_view name) {
  for (absl::string_view line : absl::StrSplit(ReadProc(pid, "status"), '\n')) {
    if (absl::ConsumePrefix(&line, absl::StrCat(name, ":"))) return std::string(absl::StripAsciiWhitespace(line));
  }
  return "";
}

std::string StateOf(pid_t pid) {
  const std::vector<std::string> fields = StatusFields(pid);
  return fields.empty() ? "" : fields[0];
}

}  // namespace

// If the process goes between the opening and the reading, that is an error of the stream (ESRCH), and would be an
// exception of an iterator (std::istreambuf_iterator).
std::string ReadProc(pid_t pid, absl::string_view file) {
  const std::ifstream stream(absl::StrCat("/proc/", pid, "/", file));
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::string NameOf(pid_t pid) { return std::string(absl::StripAsciiWhitespace(ReadProc(pid, "comm"))); }

std::vector<pid_t> ProcessesWithEnvironment(absl::string_view setting) {
  std::vector<pid_t> found;
  for (const pid_t pid : NumbersIn("/proc")) {
    const std::string environment = ReadProc(pid, "environ");
    const std::vector<absl::string_view> settings = absl::StrSplit(environment, '\0');
    if (std::find(settings.begin(), settings.end(), setting) != settings.end()) found.push_back(pid);
  }
  return found;
}

std::vector<pid_t> ZombiesOf(const std::vector<pid_t>& parents) {
  std::vector<pid_t> zombies;
  for (const pid_t pid : NumbersIn("/proc")) {
    const std::vector<std::string> fields = StatusFields(pid);
    pid_t parent = 0;
    if (fields.size() < 2 || fields[0] != "Z" || !absl::SimpleAtoi(fields[1], &parent)) continue;
    if (std::find(parents.begin(), parents.end(), parent) != parents.end()) zombies.push_back(pid);
  }
  return zombies;
}

std::vector<pid_t> ThreadsOf(pid_t pid) {
  std::vector<pid_t> threads = NumbersIn(absl::StrCat("/proc/", pid, "/task"));
  if (kSanitizerHasThread && threads.size() > 1) threads.erase(threads.begin() + 1);
  return threads;
}

std::vector<int> DescriptorsOf(pid_t pid) { return NumbersIn(absl::StrCat("/proc/", pid, "/fd")); }

size_t CountDescriptors(pid_t pid) { return DescriptorsOf(pid).size(); }

int64_t PeakMemoryBytes(pid_t pid) {
  int64_t kibibytes = 0;
  const std::string line = StatusLine(pid, "VmHWM");
  return absl::SimpleAtoi(absl::StripSuffix(line, " kB"), &kibibytes) ? kibibytes * 1024 : 0;
}

absl::Duration ProcessorTime(pid_t pid) {
  // The fields utime and stime, 14 and 15 in proc(5), in ticks of the clock.
  const std::vector<std::string> fields = StatusFields(pid);
  int64_t user = 0;
  int64_t system = 0;
  if (fields.size() < 13 || !absl::SimpleAtoi(fields[11], &user) || !absl::SimpleAtoi(fields[12], &system)) {
    return absl::ZeroDuration();
  }
  return absl::Seconds(1) * (user + system) / ::sysconf(_SC_CLK_TCK);
}

int64_t CountSleeps(pid_t pid) {
  int64_t count = 0;
  return absl::SimpleAtoi(StatusLine(pid, "voluntary_ctxt_switches"), &count) ? count : 0;
}

std::string AllowedProcessors(pid_t pid) { return StatusLine(pid, "Cpus_allowed_list"); }

bool IsSignalPending(pid_t pid, int signal) {
  // ShdPnd are the signals of the whole process; SigPnd would be those of one thread (proc(5)).
  uint64_t pending = 0;
  return absl::SimpleHexAtoi(StatusLine(pid, "ShdPnd"), &pending) && ((pending >> (signal - 1)) & 1) != 0;
}

int LowestFreeDescriptor(pid_t pid, int more) {
  const std::vector<int> open = DescriptorsOf(pid);
  int free = 0;
  while (std::find(open.begin(), open.end(), free) != open.end() || more-- > 0) ++free;
  return free;
}

void LimitDescriptors(pid_t pid, int most) {
  rlimit limit;
  if (::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_max, static_cast<rlim_t>(most));
  ::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr);
}

std::vector<UniqueFd> ListenersOf(pid_t pid, absl::string_view address) {
  std::vector<UniqueFd> listeners;
  // Copies of another process's descriptors (pidfd_getfd(2)): their options are those of the server's own listeners.
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  for (const int number : DescriptorsOf(pid)) {
    UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
    int listens = 0;
    socklen_t size = sizeof(listens);
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) continue;
    const absl::StatusOr<Endpoint> at = Endpoint::OfSocket(fd.get());
    if (at.ok() && at->ToString() == address) listeners.push_back(std::move(fd));
  }
  return listeners;
}

bool IsStopped(pid_t pid) { return StateOf(pid) == "T"; }

bool IsAsleep(pid_t pid) { return StateOf(pid) == "S"; }

}  // namespace polyserve
