#include "tests/server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/proc.h"
#include "tests/program_path.h"

namespace polyserve {

namespace {

std::string UniqueId() {
  static int count = 0;
  return absl::StrCat(::getpid(), "-", ++count);
}

// The server, unless the test is about another program that is like it (tests/added_model).
std::string TestedServer() {
  const char* other = std::getenv("POLYSERVE_TESTED_SERVER");
  return other == nullptr ? "server" : other;
}

// What a service manager sets in the environment. The pid is not known before the fork: PutPid() writes it there.
constexpr char kListenPid[] = "LISTEN_PID=0000000000";
std::vector<std::string> ListenVariables(const ServerProcess::Options& options) {
  if (options.listeners.empty()) return {};
  return {absl::StrCat("LISTEN_FDS=", options.listeners.size()),
          absl::StrCat("LISTEN_FDNAMES=", options.listener_names), kListenPid};
}

// In the child, so async-signal-safe.
void PutPid(pid_t pid, char* variable) {
  for (size_t i = sizeof(kListenPid) - 2; pid > 0; --i, pid /= 10) variable[i] = static_cast<char>('0' + pid % 10);
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ServerProcess::ServerProcess(const Options& options)
    : setting_(absl::StrCat("POLYSERVE_TEST_ID=", UniqueId())),
      log_path_(absl::StrCat(testing::TempDir(), "/server-", setting_.substr(setting_.find('=') + 1), ".log")) {
  Start(options);
  AwaitReady();
}

// Prepares everything before fork(): the test may have threads, so the child may call only what is async-signal-safe.
// The log is opened with O_APPEND, because all processes of the server write to it.
void ServerProcess::Start(const Options& options) {
  std::vector<std::string> arguments = {ProgramPath(TestedServer())};
  arguments.insert(arguments.end(), options.flags.begin(), options.flags.end());
  // All descendants inherit the setting, also those whose parent has ended: processes() finds them by it
  // (/proc/PID/environ, proc(5)).
  std::vector<std::string> settings = ListenVariables(options);
  settings.push_back(setting_);
  settings.insert(settings.end(), options.environment.begin(), options.environment.end());
  for (char** variable = environ; *variable != nullptr; ++variable) settings.emplace_back(*variable);
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(settings);
  char* const listen_pid = options.listeners.empty() ? nullptr : envp[2];
  int output[2] = {-1, -1};
  ASSERT_EQ(::pipe2(output, O_CLOEXEC), 0);
  output_pipe_.reset(output[0]);
  const UniqueFd output_end(output[1]);
  const UniqueFd log(::open(log_path_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0666));
  ASSERT_TRUE(log.ok()) << log_path_;
  const UniqueFd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));

  const pid_t test = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);     // A test that crashes leaves no server behind,
    if (::getppid() != test) ::_exit(127);  // even if it has crashed just before.
    ::dup2(options.input < 0 ? input.get() : options.input, STDIN_FILENO);
    ::dup2(output_end.get(), STDOUT_FILENO);
    ::dup2(log.get(), STDERR_FILENO);
    // Up first: a number below may be that of another one of them.
    constexpr int kFirst = 3, kAside = 100;
    const int listeners = static_cast<int>(options.listeners.size());
    for (int i = 0; i < listeners; ++i) ::dup2(options.listeners[static_cast<size_t>(i)], kAside + i);
    for (int i = 0; i < listeners; ++i) ::dup2(kAside + i, kFirst + i);
    for (int i = 0; i < listeners; ++i) ::close(kAside + i);
    if (listen_pid != nullptr) PutPid(::getpid(), listen_pid);
    options.before_exec();
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  ASSERT_GT(pid_, 0);
}

// "ready" must name the process that was started: a server that goes on in another process would escape the test.
void ServerProcess::AwaitReady() {
  ready_ = ReadOutputUntil([this] {
    return absl::StrContains(output_, "ready model=") && absl::EndsWith(output_, absl::StrCat(" pid=", pid_, "\n"));
  });
  for (absl::string_view line : absl::StrSplit(output_, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (words.size() != 4 || words[0] != "listening") continue;
    addresses_[absl::StrCat(words[1], words[2] == "udp" ? "+udp" : "")] = words[3];
  }
}

// False if the output ends before that, or nothing has come for too long.
bool ServerProcess::ReadOutputUntil(const std::function<bool()>& is_all) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (!is_all()) {
    pollfd readable = {output_pipe_.get(), POLLIN, 0};
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    const int found = left > 0 ? ::poll(&readable, 1, static_cast<int>(left)) : 0;
    if (found < 0 && errno == EINTR) continue;
    if (found <= 0) return false;
    char bytes[4096];
    const ssize_t count = ::read(output_pipe_.get(), bytes, sizeof(bytes));
    if (count <= 0) return false;  // It has ended, with an error or some help.
    output_.append(bytes, static_cast<size_t>(count));
  }
  return true;
}

bool ServerProcess::Upgrade() {
  Signal(SIGUSR2);
  return AwaitSuccessor();
}

// It announces itself on the same pipe.
bool ServerProcess::AwaitSuccessor() {
  const size_t known = output_.size();
  const bool is_ready = ReadOutputUntil([this, known] {
    const absl::string_view more = absl::string_view(output_).substr(known);
    return absl::StrContains(more, "ready model=") && absl::EndsWith(more, "\n");
  });
  const size_t at = output_.rfind(" pid=");
  pid_t successor = -1;
  if (!is_ready || !absl::SimpleAtoi(absl::StripTrailingAsciiWhitespace(output_.substr(at + 5)), &successor)) {
    return false;
  }
  if (std::exchange(is_child_, false)) first_ = pid_;
  predecessors_.push_back(std::exchange(pid_, successor));
  return true;
}

void ServerProcess::AwaitPredecessors() {
  if (first_ > 0) {
    int status = -1;
    EXPECT_TRUE(Eventually([&] { return ::waitpid(first_, &status, WNOHANG) == first_; }));
    EXPECT_EQ(status, 0);
    first_ = -1;
  }
  for (const pid_t pid : predecessors_) {
    EXPECT_TRUE(Eventually([this, pid] { return !IsRunning(pid); })) << pid;
  }
  predecessors_.clear();
}

bool ServerProcess::IsRunning(pid_t pid) const {
  const std::vector<pid_t> running = processes();
  return std::find(running.begin(), running.end(), pid) != running.end();
}

ServerProcess::~ServerProcess() {
  for (const pid_t process : processes()) ::kill(process, SIGKILL);
  AwaitExit();
  if (first_ > 0) ::waitpid(first_, nullptr, 0);
  if (testing::Test::HasFailure()) std::cerr << "--- log of the server ---\n" << log() << "--- end of the log ---\n";
}

std::string ServerProcess::address(absl::string_view service) const {
  const auto found = addresses_.find(std::string(service));
  return found == addresses_.end() ? "" : found->second;
}

std::string ServerProcess::log() const {
  std::ifstream stream(log_path_);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

void ServerProcess::Signal(int signal) {
  // ThreadSanitizer now and then loses a signal that comes while the main thread runs: none is pending then, and the
  // handler was not called; the next signal is handled.
  if (kDefersSignals && pid_ > 0) Eventually([this] { return IsAsleep(pid_); }, absl::Seconds(1));
  if (pid_ > 0 && !has_exited_) ::kill(pid_, signal);  // kill(-1) would reach everybody.
}

void ServerProcess::SignalAndAwaitDelivery(int signal) {
  Signal(signal);
  EXPECT_TRUE(Eventually([this, signal] { return !IsSignalPending(pid_, signal); }));
}

int ServerProcess::AwaitExit() {
  if (has_exited_ || pid_ <= 0) return exit_status_;
  int status = 0;
  if (!Eventually(
          [this, &status] { return is_child_ ? ::waitpid(pid_, &status, WNOHANG) == pid_ : !IsRunning(pid_); })) {
    return -1;
  }
  has_exited_ = true;
  exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_status_;
}

std::vector<pid_t> ServerProcess::processes() const { return ProcessesWithEnvironment(setting_); }

size_t ServerProcess::CountZombies() const { return ZombiesOf(processes()).size(); }

size_t ServerProcess::CountDescriptors() const {
  size_t sum = 0;
  for (const pid_t process : processes()) sum += polyserve::CountDescriptors(process);
  return sum;
}

int64_t ServerProcess::PeakMemoryBytes() const {
  int64_t largest = 0;
  for (const pid_t process : processes()) largest = std::max(largest, polyserve::PeakMemoryBytes(process));
  return largest;
}

absl::Duration ServerProcess::ProcessorTime() const {
  absl::Duration sum;
  for (const pid_t process : processes()) sum += polyserve::ProcessorTime(process);
  return sum;
}

ServerRun RunServer(const std::vector<std::string>& flags) {
  ServerProcess server({.flags = flags});
  if (server.ready()) ADD_FAILURE() << "the server started to serve";
  if (server.ready()) server.Signal(SIGKILL);
  const int exit_status = server.AwaitExit();
  return {exit_status, server.output(), server.log()};
}

}  // namespace polyserve
