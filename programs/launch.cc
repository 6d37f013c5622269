#include "programs/launch.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/inherited_signals.h"
#include "net/process.h"

namespace polyserve {

namespace {

constexpr int kCannotRun = 127;  // As a shell has it.
// What programs expect that wait with select(2); the server has raised its own (base/descriptor_limit.h).
constexpr rlim_t kUsualDescriptors = 1024;

std::vector<std::string> Environment(absl::string_view address) {
  std::vector<std::string> variables = {absl::StrCat("REMOTE_ADDR=", address)};
  for (char** own = environ; *own != nullptr; ++own) {
    const absl::string_view variable = *own;
    for (const absl::string_view passed : {"PATH=", "LANG=", "LC_", "TZ="}) {
      if (absl::StartsWith(variable, passed)) variables.emplace_back(variable);
    }
  }
  return variables;
}

// For execve(2), which has no const but changes nothing. The strings must outlive the result.
std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& each : strings) pointers.push_back(const_cast<char*>(each.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

void ForgetSignals() {
  for (int signal = 1; signal < _NSIG; ++signal) ::signal(signal, SIG_DFL);
  UnblockAllSignals();
}

void LimitDescriptors() {
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_cur, kUsualDescriptors);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// In the child. All numbers from 3 on are closed, whatever they are. A system older than Linux 5.9 cannot do that at
// once; there close-on-exec has to do, which all our own have.
[[noreturn]] void Become(const std::vector<std::string>& words, absl::string_view address, int stream, int errors,
                         pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ExitChild(1);  // It has ended before the line above.
  ::setsid();
  const std::vector<std::string> environment = Environment(address);
  if (::dup2(stream, STDIN_FILENO) < 0 || ::dup2(stream, STDOUT_FILENO) < 0 || ::dup2(errors, STDERR_FILENO) < 0) {
    ExitChild(kCannotRun);
  }
  ::close_range(STDERR_FILENO + 1, UINT_MAX, 0);
  LimitDescriptors();
  ForgetSignals();
  ::execve(words[0].c_str(), Pointers(words).data(), Pointers(environment).data());
  ::dprintf(STDERR_FILENO, "cannot be run: %s\n", ::strerror(errno));
  ExitChild(kCannotRun);
}

}  // namespace

absl::StatusOr<pid_t> Launch(const std::vector<std::string>& words, absl::string_view address, int stream, int errors) {
  const pid_t parent = ::getpid();
  const absl::StatusOr<pid_t> pid = Fork();
  if (pid.ok() && *pid == 0) Become(words, address, stream, errors, parent);
  return pid;
}

}  // namespace polyserve
