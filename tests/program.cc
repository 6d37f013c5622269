#include "tests/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "tests/eventually.h"

namespace polyserve {

namespace {

// All that is written until the other end is closed, or patience has passed.
std::string ReadAll(int fd) {
  std::string output;
  const absl::Time deadline = absl::Now() + kPatience;
  while (true) {
    pollfd readable = {fd, POLLIN, 0};
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) <= 0) return output;
    char bytes[4096];
    const ssize_t count = ::read(fd, bytes, sizeof(bytes));
    if (count <= 0) return output;
    output.append(bytes, static_cast<size_t>(count));
  }
}

}  // namespace

ProgramRun RunProgram(const std::vector<std::string>& arguments) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return {127, "no pipe"};
  const UniqueFd output(ends[0]);
  UniqueFd output_end(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output_end.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output_end.get(), STDERR_FILENO);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  output_end.reset();
  if (error != 0) return {127, "cannot start " + arguments[0]};
  ProgramRun run{0, ReadAll(output.get())};
  int status = 0;
  if (!Eventually([pid, &status] { return ::waitpid(pid, &status, WNOHANG) == pid; })) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
  }
  run.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return run;
}

}  // namespace polyserve
