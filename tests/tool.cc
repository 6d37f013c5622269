#include "tests/tool.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

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
  StandardFiles(const std::string& input)
      : base_(absl::StrCat(std::getenv("TEST_TMPDIR") != nullptr ? std::getenv("TEST_TMPDIR") : "/tmp", "/tool-",
                           ::getpid())) {
    std::ofstream(base_ + ".in") << input;
  }
  ~StandardFiles() {
    for (const char* end : {".in", ".out", ".err"}) std::filesystem::remove(base_ + end);
  }

  void InstallInChild() const {
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    ::dup2(::open((base_ + ".in").c_str(), O_RDONLY), STDIN_FILENO);
    ::dup2(::open((base_ + ".out").c_str(), flags, 0600), STDOUT_FILENO);
    ::dup2(::open((base_ + ".err").c_str(), flags, 0600), STDERR_FILENO);
  }

  std::string Output() const { return Read(".out") + Read(".err"); }

 private:
  std::string Read(const char* end) const {
    std::ifstream stream(base_ + end);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }

  const std::string base_;
};

// An environment of its own: a proxy or a configuration file of the user must not change what the program does.
[[noreturn]] void Exec(const std::vector<std::string>& command, const std::string& directory) {
  const char* path = std::getenv("PATH");
  std::vector<std::string> settings = {absl::StrCat("PATH=", path != nullptr ? path : "/usr/bin:/bin"),
                                       absl::StrCat("HOME=", directory), "LANG=C.UTF-8"};
  std::vector<char*> argv;
  std::vector<char*> environment;
  for (const std::string& argument : command) argv.push_back(const_cast<char*>(argument.c_str()));
  for (const std::string& setting : settings) environment.push_back(const_cast<char*>(setting.c_str()));
  argv.push_back(nullptr);
  environment.push_back(nullptr);
  if (::chdir(directory.c_str()) == 0) ::execvpe(argv[0], argv.data(), environment.data());
  ::_exit(127);
}

}  // namespace

ToolRun RunTool(const std::vector<std::string>& command, const std::string& directory, const std::string& input,
                absl::Duration patience) {
  const StandardFiles files(input);
  const pid_t pid = ::fork();
  if (pid == 0) {
    files.InstallInChild();
    Exec(command, directory);
  }
  int status = 0;
  if (!Eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }, patience)) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
    return {-1, files.Output()};
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), files.Output()};
}

}  // namespace polyserve
