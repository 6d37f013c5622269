#include "tests/tool.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

// Standard descriptors are files, so that no program waits for this one to read or write.
class StandardFiles {
 public:
  explicit StandardFiles(const std::string& input) : base_(UniqueBase()) { std::ofstream(base_ + ".in") << input; }
  ~StandardFiles() {
    for (const char* end : {".in", ".out", ".err"}) std::filesystem::remove(base_ + end);
  }

  void AddTo(posix_spawn_file_actions_t& actions) const {
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, (base_ + ".in").c_str(), O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, (base_ + ".out").c_str(), flags, 0600);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, (base_ + ".err").c_str(), flags, 0600);
  }

  std::string Output() const { return Read(".out") + Read(".err"); }

 private:
  // Several threads may run tools.
  static std::string UniqueBase() {
    static std::atomic<int> count = 0;
    const char* directory = std::getenv("TEST_TMPDIR");
    return absl::StrCat(directory != nullptr ? directory : "/tmp", "/tool-", ::getpid(), "-", ++count);
  }

  std::string Read(const char* end) const {
    std::ifstream stream(base_ + end);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }

  const std::string base_;
};

// An environment of its own: a proxy or a configuration file of the user must not change what the program does. Not
// fork(): behind it, a child of a program with threads must not allocate, since another thread may have held a lock.
// posix_spawn(3) has all prepared by then. -1 if there is no such program.
pid_t Spawn(const std::vector<std::string>& command, const std::string& directory, const StandardFiles& files) {
  const char* path = std::getenv("PATH");
  std::vector<std::string> settings = {absl::StrCat("PATH=", path != nullptr ? path : "/usr/bin:/bin"),
                                       absl::StrCat("HOME=", directory), "LANG=C.UTF-8"};
  std::vector<char*> argv;
  std::vector<char*> environment;
  for (const std::string& argument : command) argv.push_back(const_cast<char*>(argument.c_str()));
  for (std::string& setting : settings) environment.push_back(setting.data());
  argv.push_back(nullptr);
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  files.AddTo(actions);
  ::posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : -1;
}

}  // namespace

ToolRun RunTool(const std::vector<std::string>& command, const std::string& directory, const std::string& input,
                absl::Duration patience) {
  const StandardFiles files(input);
  const pid_t pid = Spawn(command, directory, files);
  if (pid < 0) return {127, ""};  // As a shell has it.
  int status = 0;
  if (!Eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }, patience)) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
    return {-1, files.Output()};
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), files.Output()};
}

}  // namespace polyserve
