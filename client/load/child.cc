#include "client/load/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

// Runs in the child. The order matters: first PR_SET_PDEATHSIG, then the look at the parent. If the parent ended before
// the request was in force, the signal will never come, and the child sees that it has another parent.
[[noreturn]] void Exec(std::vector<char*> arguments, int output, const std::optional<cpu_set_t>& processors,
                       pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  // In the child, so that the program starts where it is to stay, and the caller's own processors remain as they are.
  // The affinity survives execve(2) (sched_setaffinity(2)).
  if (processors.has_value()) ::sched_setaffinity(0, sizeof(*processors), &*processors);
  const int nothing = ::open("/dev/null", O_RDWR);
  // dup2(2) clears close-on-exec on the copy, so the writing end reaches the program under this number alone.
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(nothing, STDERR_FILENO);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);  // As shells report a command that is not found.
}

}  // namespace

// The writing end closes here when `writing` is destroyed: otherwise the end of the program would not end the output.
absl::StatusOr<Child> Child::Start(const std::vector<std::string>& command,
                                   const std::optional<cpu_set_t>& processors) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return SysError("pipe2");
  UniqueFd reading(ends[0]), writing(ends[1]);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  // Taken before the fork, since the child has to compare it with getppid(2).
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return SysError("fork");
  if (pid == 0) Exec(std::move(arguments), writing.get(), processors, parent);
  return Child(pid, std::move(reading));
}

Child::Child(pid_t pid, UniqueFd pipe) : pid_(pid), pipe_(std::move(pipe)) {}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pipe_(std::move(other.pipe_)), output_(std::move(other.output_)) {}

Child::~Child() {
  if (pid_ < 0) return;
  // SIGKILL cannot be caught or ignored, so the wait is short; without the wait, a zombie would stay until this program
  // ends.
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

absl::Status Child::AwaitOutput(absl::string_view text, absl::Duration patience) {
  const Deadline deadline(patience);
  while (output_.find(std::string(text)) == std::string::npos) {
    if (absl::Status status = ReadMore(deadline); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// One read at most. EINTR is no error: the caller calls again, with what is left of its time.
absl::Status Child::ReadMore(const Deadline& deadline) {
  pollfd readable = {pipe_.get(), POLLIN, 0};
  // poll(2) first, because a read of a pipe has no time-out of its own.
  const int ready = ::poll(&readable, 1, deadline.PollMilliseconds());
  if (ready == 0) return absl::DeadlineExceededError("it does not say what it should");
  char buffer[4096];
  const ssize_t count = ready < 0 ? -1 : ::read(pipe_.get(), buffer, sizeof(buffer));
  if (count < 0 && errno != EINTR) return SysError("read");
  if (count == 0) return absl::UnavailableError("it has ended");
  if (count > 0) output_.append(buffer, static_cast<size_t>(count));
  return absl::OkStatus();
}

// The end of the output stands for the end of the program, which is then waited for without a limit.
int Child::Finish(absl::Duration patience) {
  const Deadline deadline(patience);
  absl::Status status;
  while (status.ok()) status = ReadMore(deadline);
  if (absl::IsDeadlineExceeded(status)) ::kill(pid_, SIGKILL);
  int wait_status = 0;
  ::waitpid(std::exchange(pid_, -1), &wait_status, 0);
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
}

}  // namespace polyserve
