#include "lifecycle/upgrade.h"

#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstddef>
#include <fstream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "lifecycle/inherited_listeners.h"
#include "net/signals.h"

namespace polyserve {

namespace {

// Never destroyed: signals are answered until the end of the process.
struct CommandLine {
  std::string program;  // Empty: unknown, since there is no /proc.
  std::vector<std::string> arguments;
};
CommandLine& OwnCommandLine() {
  static CommandLine* const line = new CommandLine;
  return *line;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  return pointers;
}

// Of this process, or of one that it has started.
bool IsThreadOfThisServer(pid_t thread) {
  std::ifstream status(absl::StrCat("/proc/", thread, "/status"));
  const std::string own = absl::StrCat(::getpid());
  for (std::string name, value; status >> name;) {
    if ((name == "Tgid:" || name == "PPid:") && status >> value && value == own) return true;
  }
  return false;
}

// A pipe whose reading end sends this process SIGUSR2 when something is written, or the last writer has gone.
absl::StatusOr<std::pair<UniqueFd, UniqueFd>> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return SysError("pipe2");
  std::pair<UniqueFd, UniqueFd> pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  const int reader = pipe.first.get();
  if (::fcntl(reader, F_SETOWN, ::getpid()) != 0 || ::fcntl(reader, F_SETSIG, SIGUSR2) != 0 ||
      ::fcntl(reader, F_SETFL, O_NONBLOCK | O_ASYNC) != 0) {
    return SysError("fcntl");
  }
  return pipe;
}

// What the new server gets: descriptors, in this order from kFirstFd on, and the file actions that put them there.
class Descriptors {
 public:
  Descriptors() { ::posix_spawn_file_actions_init(&actions_); }
  ~Descriptors() { ::posix_spawn_file_actions_destroy(&actions_); }
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;

  // By way of a copy beyond all final numbers: otherwise one could be overwritten before its turn.
  absl::Status Add(int fd, int total) {
    UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, InheritedListeners::kFirstFd + total));
    if (!copy.ok()) return SysError("fcntl(F_DUPFD_CLOEXEC)");
    const int number = InheritedListeners::kFirstFd + static_cast<int>(copies_.size());
    ::posix_spawn_file_actions_adddup2(&actions_, copy.get(), number);
    copies_.push_back(std::move(copy));
    return absl::OkStatus();
  }

  const posix_spawn_file_actions_t* actions() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
  std::vector<UniqueFd> copies_;
};

// In front of the rest: of two variables with one name, getenv(3) finds the first.
std::vector<std::string> EnvironmentFor(const Upgrade::Inheritance& inheritance) {
  const size_t count = inheritance.listeners.size();
  std::string managers;
  std::vector<std::string> names;
  for (const Upgrade::Listener& listener : inheritance.listeners) {
    names.push_back(listener.name);
    managers += listener.is_managers ? '1' : '0';
  }
  std::vector<std::string> variables = inheritance.environment;
  variables.push_back(absl::StrCat("LISTEN_FDS=", count));
  variables.push_back(absl::StrCat("LISTEN_FDNAMES=", absl::StrJoin(names, ":")));
  variables.push_back(absl::StrCat(InheritedListeners::kUpgradeVariable, "=", ::getpid(), " ",
                                   InheritedListeners::kFirstFd + static_cast<int>(count), " ", managers));
  for (char** other = environ; *other != nullptr; ++other) variables.emplace_back(*other);
  return variables;
}

// posix_spawn(3) with vfork semantics may be called while there are other threads, and copies no page. Signals that
// would kill the new server stay blocked until it has handlers (Signals::Install()), except for those that are to end
// it.
absl::StatusOr<pid_t> Spawn(const Descriptors& descriptors, std::vector<std::string> variables) {
  CommandLine line = OwnCommandLine();
  std::vector<char*> argv = Pointers(line.arguments);
  std::vector<char*> envp = Pointers(variables);
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t held = Signals::HeldInNewProcess();
  for (const int signal : {SIGTERM, SIGINT}) ::sigdelset(&held, signal);
  ::posix_spawnattr_setsigmask(&attributes, &held);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t pid = -1;
  // The error is the result; posix_spawn(3) need not set errno.
  errno = ::posix_spawn(&pid, line.program.c_str(), descriptors.actions(), &attributes, argv.data(), envp.data());
  const absl::Status status = errno == 0 ? absl::OkStatus() : SysError("posix_spawn", line.program);
  ::posix_spawnattr_destroy(&attributes);
  if (!status.ok()) return status;
  return pid;
}

}  // namespace

// The path is looked up now: once the file was replaced, the kernel shows the old one as deleted (proc(5)).
void Upgrade::SetCommandLine(int argc, char** argv) {
  OwnCommandLine().arguments.assign(argv, argv + argc);
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof(path));
  if (size > 0) OwnCommandLine().program.assign(path, static_cast<size_t>(size));
}

std::optional<pid_t> Upgrade::OnSignal(absl::FunctionRef<Inheritance()> make_inheritance) {
  if (successor_ < 0) {
    Begin(make_inheritance());
    return std::nullopt;
  }
  char byte = 0;
  const ssize_t count = ::read(pipe_.get(), &byte, 1);
  if (count < 0) {
    LOG(WARNING) << "SIGUSR2: an upgrade is under way already; pid " << successor_ << " is not ready yet";
    return std::nullopt;
  }
  if (count == 0) {
    NoteFailure();
    return std::nullopt;
  }
  pipe_.reset();
  return std::exchange(successor_, -1);
}

// The end of PID 1 is the end of its container, with all that is in it.
void Upgrade::Begin(const Inheritance& inheritance) {
  if (::getpid() == 1) {
    LOG(ERROR) << "SIGUSR2: no upgrade: this is PID 1, which must not end; start a new container instead";
    return;
  }
  NoteOwners(inheritance.listeners);
  if (const absl::Status status = Start(inheritance); !status.ok()) {
    LOG(ERROR) << "SIGUSR2: no upgrade: " << status.message() << "; this server goes on";
    return;
  }
  LOG(INFO) << "SIGUSR2: upgrade: pid " << successor_ << " was started; this server goes on until it is ready";
}

absl::Status Upgrade::Start(const Inheritance& inheritance) {
  if (OwnCommandLine().program.empty()) return absl::UnavailableError("it needs /proc");
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> pipe = MakePipe();
  if (!pipe.ok()) return pipe.status();
  Descriptors descriptors;
  const int total = static_cast<int>(inheritance.listeners.size()) + 1;
  absl::Status status;
  for (const Listener& listener : inheritance.listeners) status.Update(descriptors.Add(listener.fd, total));
  status.Update(descriptors.Add(pipe->second.get(), total));
  if (!status.ok()) return status;
  const absl::StatusOr<pid_t> pid = Spawn(descriptors, EnvironmentFor(inheritance));
  if (!pid.ok()) return pid.status();
  successor_ = *pid;
  pipe_ = std::move(pipe->first);
  return absl::OkStatus();
}

// A new server that has ended already is not told: it may have been reaped, and its number be another process's.
void Upgrade::Abandon() {
  if (successor_ < 0) return;
  LOG(WARNING) << "the upgrade is given up, since this server was told to stop; so is pid " << successor_;
  char byte = 0;
  if (::read(pipe_.get(), &byte, 1) != 0) ::kill(successor_, SIGTERM);
  successor_ = -1;
  pipe_.reset();
}

// Why, the new server has said itself. Its end is reaped with those of children that nobody knows.
void Upgrade::NoteFailure() {
  LOG(ERROR) << "the upgrade has failed: pid " << successor_ << " has ended before it was ready; this server goes on";
  successor_ = -1;
  pipe_.reset();
  RestoreOwners();
}

void Upgrade::NoteOwners(const std::vector<Listener>& listeners) {
  owners_.clear();
  for (const Listener& listener : listeners) {
    f_owner_ex owner = {};
    if (::fcntl(listener.fd, F_GETOWN_EX, &owner) == 0 && owner.pid != 0) owners_.emplace_back(listener.fd, owner);
  }
}

// Under --model=sigio a listener sends signals, to the thread that has asked last, and with the number of its
// descriptor. Both belong to the open file, which the two servers share. If the new one has taken them, only that
// thread can take them back, since nobody else knows the number: SIGIO asks for that (backends/poller/sigio_poller.h).
// The number of the thread may be another's by now, and SIGIO would end most programs.
void Upgrade::RestoreOwners() const {
  for (const auto& [fd, owner] : owners_) {
    f_owner_ex now = {};
    const bool is_unchanged = ::fcntl(fd, F_GETOWN_EX, &now) == 0 && now.pid == owner.pid;
    if (is_unchanged || owner.type != F_OWNER_TID || !IsThreadOfThisServer(owner.pid)) continue;
    ::syscall(SYS_tkill, owner.pid, SIGIO);
  }
}

}  // namespace polyserve
